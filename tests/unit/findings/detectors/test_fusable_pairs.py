from collections.abc import Callable

import pytest

from tests.claims import interval
from tests.exports import Export
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import fusable_pairs


def loop(step: Callable[[Program, int], None]) -> Program:
    program = Program()
    for number in range(4):
        with program.step():
            step(program, number)
    return program


def test_an_activation_that_always_follows_its_product(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for following in ("attention", "norm"):
            program.kernel("gemv", 20_000)
            program.kernel("activation", 2_000, wait_ns=1_000)
            program.kernel(following, 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert finding.claim == "activation always follows gemv (2 times a step) and could be fused into it."
    assert finding.evidence[0].rows == (("activation", 8, 16_000, 2_000.0, 4 / 84),)
    # Two waits of 1 µs go, and all of two kernels of 2 µs; nothing, if the order is a coincidence.
    assert interval(finding) == (0, 6_000, 86_000)
    assert finding.hypothesis.startswith("All that is seen is that they run in this order")
    assert str(finding.target) == 'pair("gemv", "activation").calls_per_step <= 0'


def in_one_role(program: Program, layer: int) -> None:
    with program.range(f"model.layers.{layer}.mlp.up_proj"):
        program.kernel("gemv", 20_000)
        program.kernel("activation", 2_000, wait_ns=1_000)


def test_what_the_program_calls_one_role_belongs_together(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for layer in range(2):
            in_one_role(program, layer)
            program.kernel("attention" if layer else "norm", 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    # Two waits of 1 µs go, and half to all of two kernels of 2 µs.
    assert interval(finding) == (4_000, 6_000, 86_000)
    assert finding.hypothesis.startswith("They run back to back in one role of a layer")


def test_a_role_of_two_layers_is_not_one(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for layer in range(2):
            with program.range(f"model.layers.{layer}.mlp.up_proj"):
                program.kernel("gemv", 20_000)
            with program.range(f"model.layers.{layer + 1}.mlp.up_proj"):
                program.kernel("activation", 2_000)
            program.kernel("attention" if layer else "norm", 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert interval(finding)[0] == 0


def test_a_chain_of_small_kernels_is_one_finding(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for before in ("attention", "up"):
            program.kernel(before, 20_000)
            program.kernel("norm", 3_000)
            program.kernel("cast", 1_000)
            program.kernel("gemv", 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert finding.claim == (
        "cast always precedes gemv (2 times a step) and norm always precedes cast (2 times a step); they could be "
        "fused into gemv."
    )
    assert [evidence.rows[0][:2] for evidence in finding.evidence] == [("cast", 8), ("norm", 8)]
    assert interval(finding) == (0, 8_000, 88_000)
    assert str(finding.target) == 'pair("cast", "gemv").calls_per_step <= 0'


def test_of_a_chain_only_what_the_program_calls_one_role_is_sure_to_gain(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for layer in range(2):
            program.kernel("up" if layer else "attention", 20_000)
            with program.range(f"model.layers.{layer}.input_layernorm"):
                program.kernel("norm", 3_000)
                program.kernel("cast", 1_000)
            program.kernel("gemv", 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    # Half of two norms of 3 µs.
    assert interval(finding) == (3_000, 8_000, 88_000)


def test_kernels_that_go_round_in_a_circle_are_not_fused_into_themselves(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for _ in range(4):
            for name in ("a", "b", "c"):
                program.kernel(name, 2_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    low_ns, high_ns, step_ns = interval(finding)
    assert (low_ns, step_ns) == (0, 24_000)
    assert high_ns == 16_000


def test_a_kernel_takes_over_the_work_of_two_only_where_that_pays(look: Look) -> None:
    """The cast is 2 of some 140 µs, the sampling 1 of them."""

    def step(program: Program, _: int) -> None:
        for before in ("attention", "up"):
            program.kernel(before, 40_000)
            program.kernel("cast", 1_000)
            program.kernel("gemv", 30_000)
        program.kernel("sample", sample_ns)

    sample_ns = 1_000
    findings = look(fusable_pairs, loop(step).export).findings
    assert [finding.target.names for finding in findings] == [("cast", "gemv")]
    sample_ns = 1_600
    findings = look(fusable_pairs, loop(step).export).findings
    assert [finding.target.names for finding in findings] == [("cast", "gemv"), ("gemv", "sample")]


def test_a_kernel_that_waits_for_the_one_ahead_is_as_small_as_what_it_does_itself(look: Look) -> None:
    """The cast begins 15 µs before the norm has ended, and runs 1 µs beyond it."""

    def step(program: Program, _: int) -> None:
        for before in ("attention", "norm"):
            program.kernel(before, 20_000)
            program.kernel("cast", 16_000, wait_ns=-15_000)
            program.kernel("gemv", 21_000, wait_ns=-1_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert finding.claim == "cast always precedes gemv (2 times a step) and could be fused into it."
    assert interval(finding) == (0, 2_000, 82_000)
    assert "taken to wait for each other at the high end only" in (finding.gain.basis if finding.gain else "")


def test_a_cast_that_always_precedes_its_product(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for before in ("attention", "norm"):
            program.kernel(before, 20_000)
            program.kernel("cast", 2_000)
            program.kernel("gemv", 20_000)
        program.kernel("gemv", 20_000)

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert finding.claim == "cast always precedes gemv (2 times a step) and could be fused into it."
    assert str(finding.target) == 'pair("cast", "gemv").calls_per_step <= 0'


def test_kernels_of_one_short_name_are_told_apart_by_their_long_ones(look: Look) -> None:
    def step(program: Program, _: int) -> None:
        for following in ("attention", "norm"):
            program.kernel("gemv", 20_000)
            program.kernel("elementwise", 2_000, long_name="elementwise<Silu>")
            program.kernel(following, 20_000)
            program.kernel("elementwise", 20_000, long_name="elementwise<Copy>")

    (finding,) = look(fusable_pairs, loop(step).export).findings
    assert str(finding.target) == 'pair("gemv", "elementwise<Silu>").calls_per_step <= 0'


def not_always(program: Program, number: int) -> None:
    program.kernel("attention" if number == 3 else "gemv", 20_000)
    program.kernel("activation", 2_000)
    program.kernel("norm" if number == 2 else "attention", 20_000)


def not_small(program: Program, _: int) -> None:
    program.kernel("gemv", 20_000)
    program.kernel("activation", 5_000)


def both_products(program: Program, _: int) -> None:
    program.kernel("gemv", 20_000)
    program.kernel("gemv_small", 2_000)


def attention(program: Program, _: int) -> None:
    program.kernel("gemv", 20_000)
    program.kernel("flash_attn_ext", 2_000)


def on_two_streams(program: Program, _: int) -> None:
    program.kernel("gemv", 20_000)
    program.kernel("activation", 2_000, stream=8)


def with_a_memset_between(program: Program, _: int) -> None:
    program.kernel("gemv", 20_000)
    program.memset(64, 1_000)
    program.kernel("activation", 2_000)


def in_different_steps(program: Program, _: int) -> None:
    program.kernel("activation", 2_000)


def in_one_step_only(program: Program, number: int) -> None:
    program.kernel("attention", 20_000)
    if number == 0:
        program.kernel("compile", 20_000)
        program.kernel("activation", 2_000)


def beside_other_work(program: Program, _: int) -> None:
    """The activation ends within a kernel on another stream: without it, the step takes as long."""
    program.kernel("gemv", 20_000)
    program.kernel("attention", 20_000, stream=8)
    program.kernel("activation", 2_000, wait_ns=-15_000)


@pytest.mark.parametrize(
    "step",
    [
        not_always,
        not_small,
        both_products,
        attention,
        on_two_streams,
        with_a_memset_between,
        in_different_steps,
        in_one_step_only,
        beside_other_work,
    ],
)
def test_no_pair(look: Look, step: Callable[[Program, int], None]) -> None:
    assert not look(fusable_pairs, loop(step).export).findings


def test_kernels_whose_names_the_export_does_not_hold_are_passed_over(
    analysed: Callable[[Export], Analysis],
) -> None:
    def step(program: Program, _: int) -> None:
        for name in ("gemv", "activation", "unknown", "attention", "activation"):
            program.kernel(name, 2_000)

    export = loop(step).export
    for row in export.rows["CUPTI_ACTIVITY_KIND_KERNEL"]:
        if row["shortName"] == export.string("unknown"):
            row["shortName"] = row["demangledName"] = 10**6
    assert all("activation" in finding.claim for finding in fusable_pairs.detect(analysed(export)).findings)
