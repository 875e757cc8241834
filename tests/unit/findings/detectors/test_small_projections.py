from collections.abc import Callable

import pytest

from tests.claims import interval
from tests.exports import Export
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import small_projections

Layer = Callable[[Program, str], None]


def loop(layer: Layer) -> Program:
    """Four steps of two layers."""
    program = Program()
    for _ in range(4):
        with program.step():
            for number in range(2):
                layer(program, f"model.layers.{number}")
    return program


def project(program: Program, name: str, duration_ns: int = 4_000, kernel: str = "gemv") -> None:
    """A product of 4 µs in a range, after a wait of 1 µs."""
    with program.range(name):
        program.kernel(kernel, duration_ns, wait_ns=1_000)


def test_three_products_of_one_input(look: Look) -> None:
    def layer(program: Program, name: str) -> None:
        project(program, f"{name}.self_attn.q_proj", 6_000)
        project(program, f"{name}.self_attn.k_proj")
        project(program, f"{name}.self_attn.v_proj")
        project(program, f"{name}.self_attn.o_proj", 6_000)

    (finding,) = look(small_projections, loop(layer).export).findings
    assert finding.claim == "Each attention layer runs 3 small products of one input (k_proj, q_proj, v_proj)."
    assert [evidence.rows for evidence in finding.evidence] == [
        (("gemv", 8, 32_000, 4_000.0, 0.2),),
        (("gemv", 8, 48_000, 6_000.0, 0.3),),
        (("gemv", 8, 32_000, 4_000.0, 0.2),),
    ]
    # Four products a step could join the longest of their layer: 4 µs of waits, and up to half of 16 µs of work.
    assert interval(finding) == (4_000, 12_000, 48_000)
    assert str(finding.target) == 'projections("attention").calls_per_layer <= 1'


def test_the_output_projection_of_a_gated_delta_net_reads_the_recurrence(look: Look) -> None:
    def layer(program: Program, name: str) -> None:
        for role in ("in_proj_qkvz", "in_proj_ba", "out_proj"):
            project(program, f"{name}.linear_attn.{role}")

    (finding,) = look(small_projections, loop(layer).export).findings
    assert finding.claim == "Each gated_delta_net layer runs 2 small products of one input (in_proj_ba, in_proj_qkvz)."


def test_the_engines_own_ranges_tell_as_much(look: Look) -> None:
    program = Program(Export())
    program.export.domain(1, "engine")
    program.export.category(3, "mlp", domain=1)
    for _ in range(2):
        with program.step():
            for layer in range(2):
                for role in ("gate_proj", "up_proj", "down_proj"):
                    with program.range(role, domain=1, category=3, payload=layer):
                        program.kernel("gemv", 4_000)
    (finding,) = look(small_projections, program.export).findings
    assert finding.claim == "Each mlp layer runs 2 small products of one input (gate_proj, up_proj)."


def test_what_else_runs_in_their_roles_can_be_done_along_with_them(look: Look) -> None:
    def layer(program: Program, name: str) -> None:
        project(program, f"{name}.mlp.gate_proj")
        with program.range(f"{name}.mlp.up_proj"):
            program.kernel("gemv", 4_000)
            program.kernel("silu", 1_000)
            program.kernel("mul", 1_000)

    (finding,) = look(small_projections, loop(layer).export).findings
    assert finding.remedy.endswith("compute them as one product, and do there what silu, mul do.")


def test_a_product_that_waits_for_the_one_ahead_is_as_small_as_what_it_does_itself(look: Look) -> None:
    """Each begins 20 µs before the kernel ahead of it ends, and runs 3 µs beyond."""

    def layer(program: Program, name: str) -> None:
        program.kernel("attention", 30_000)
        for role in ("q_proj", "k_proj"):
            with program.range(f"{name}.self_attn.{role}"):
                program.kernel("gemv", 23_000, wait_ns=-20_000)

    (finding,) = look(small_projections, loop(layer).export).findings
    # Of two products a step that join, half of 3 µs at most, and half of that at least.
    assert interval(finding) == (1_500, 3_000, 72_000)


def output_of_another(program: Program, name: str) -> None:
    project(program, f"{name}.self_attn.q_proj")
    project(program, f"{name}.self_attn.o_proj")
    project(program, f"{name}.mlp.gate_up_proj")
    project(program, f"{name}.mlp.down_proj")
    project(program, f"{name}.linear_attn.in_proj_qkvz")
    project(program, f"{name}.linear_attn.out_proj")


def low_rank(program: Program, name: str) -> None:
    """The second of two products that follow each other reads what the first wrote."""
    project(program, f"{name}.self_attn.q_a_proj")
    project(program, f"{name}.self_attn.q_b_proj")


def large(program: Program, name: str) -> None:
    for role in ("q_proj", "k_proj", "v_proj"):
        project(program, f"{name}.self_attn.{role}", 20_001)


def merged_already(program: Program, name: str) -> None:
    project(program, f"{name}.self_attn.qkv_proj")


def no_products(program: Program, name: str) -> None:
    for role in ("q_proj", "k_proj"):
        project(program, f"{name}.self_attn.{role}", kernel="bias_add")


@pytest.mark.parametrize("layer", [output_of_another, low_rank, large, merged_already, no_products])
def test_products_that_cannot_or_need_not_be_joined(look: Look, layer: Layer) -> None:
    assert not look(small_projections, loop(layer).export).findings


def test_layers_without_an_index_are_not_taken_for_one(look: Look) -> None:
    """Each of these ranges is a layer with one product; together they are no layer of eight."""
    program = Program()
    program.export.domain(1, "engine")
    program.export.category(3, "attention", domain=1)
    for _ in range(2):
        with program.step():
            for _ in range(8):
                with program.range("qkv_proj", domain=1, category=3):
                    program.kernel("gemv", 4_000)
    detection = look(small_projections, program.export)
    assert not detection.findings
    assert not detection.lacking


def test_without_roles_nothing_is_known_of_inputs(look: Look) -> None:
    detection = look(small_projections, loop(lambda program, name: project(program, "step")).export)
    assert "block's input" in detection.lacking
