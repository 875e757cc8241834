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
    # Two waits of 1 µs go, and half to all of two kernels of 2 µs.
    assert interval(finding) == (4_000, 6_000, 86_000)
    assert str(finding.target) == 'pair("gemv", "activation").calls_per_step <= 0'


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
