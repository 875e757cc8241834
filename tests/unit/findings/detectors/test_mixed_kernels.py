from collections.abc import Callable

import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import mixed_kernels

DURATIONS_NS = {
    "gemm_fast": 10_000,
    "gemm_bit_slower": 12_500,
    "gemm_slow": 15_000,
    "gemm_much_slower": 100_000,
    "gemm_second": 5_000,
    "norm_fast": 10_000,
    "norm_slow": 15_000,
}
Choice = Callable[[int, int], tuple[str, ...]]


def loop(kernels: Choice, *, role: str = "self_attn.q_proj", ranges: bool = True) -> Program:
    """Three steps of four layers; `kernels` says which a layer runs, from the step's number and its own."""
    program = Program()
    for step in range(3):
        with program.step():
            for layer in range(4):
                with program.range(f"model.layers.{layer}.{role}" if ranges else f"decode {step}"):
                    for name in kernels(step, layer):
                        program.kernel(name, DURATIONS_NS[name])
    return program


def test_half_the_layers_run_a_slower_kernel(look: Look) -> None:
    program = loop(lambda _, layer: ("gemm_fast" if layer < 2 else "gemm_slow",))
    (finding,) = look(mixed_kernels, program.export).findings
    assert finding.claim == "attention q_proj is computed by 2 different kernels at the same place of a layer."
    assert finding.evidence[0].rows == (
        ("gemm_slow", 6, 90_000, 15_000.0, 0.6),
        ("gemm_fast", 6, 60_000, 10_000.0, 0.4),
    )
    # Each of two kernels could save 5 of 15 µs.
    assert interval(finding) == (0, 10_000, 50_000)
    assert str(finding.target) == 'role("attention", "q_proj").kernel_names <= 1'


def test_one_layer_runs_another_kernel_in_every_second_step(look: Look) -> None:
    program = loop(lambda step, layer: ("gemm_slow" if layer == step == 1 else "gemm_fast",))
    (finding,) = look(mixed_kernels, program.export).findings
    assert "2 different kernels" in finding.claim


def test_what_else_a_role_runs_may_stay(look: Look) -> None:
    program = loop(lambda _, layer: ("gemm_fast" if layer < 2 else "gemm_slow", "gemm_second"))
    (finding,) = look(mixed_kernels, program.export).findings
    assert str(finding.target) == 'role("attention", "q_proj").kernel_names <= 2'


def test_savings_weigh_by_time(look: Look) -> None:
    """One kernel is a little slower and one much: together they save what each would, not the mean of shares."""
    names = ("gemm_fast", "gemm_bit_slower", "gemm_much_slower")
    program = loop(lambda step, layer: (names[(layer + step) % 3],))
    (finding,) = look(mixed_kernels, program.export).findings
    # 2.5 of 12.5 µs and 90 of 100; the median step runs both, and the shorter again.
    assert interval(finding)[1] == 2_500 + 90_000 + 2_500


@pytest.mark.parametrize(
    "kernels",
    [
        pytest.param(lambda step, layer: ("gemm_fast",), id="one kernel"),
        pytest.param(lambda step, layer: ("gemm_slow" if layer == 3 else "gemm_fast",), id="one layer is an exception"),
        pytest.param(lambda step, layer: ("gemm_fast", "gemm_slow"), id="two products in each layer"),
        pytest.param(lambda step, layer: ("norm_fast" if layer < 2 else "norm_slow",), id="no products"),
    ],
)
def test_like_is_compared_with_like(look: Look, kernels: Choice) -> None:
    assert not look(mixed_kernels, loop(kernels).export).findings


def test_roles_told_by_names_alone_are_no_likes(look: Look) -> None:
    """Every product of such a program has the same role, whatever its shape."""
    program = loop(lambda step, layer: ("gemm_fast" if step + layer < 2 else "gemm_slow",), ranges=False)
    assert "like cannot be compared with like" in look(mixed_kernels, program.export).lacking
