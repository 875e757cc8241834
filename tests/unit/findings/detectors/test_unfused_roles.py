import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import unfused_roles

NORM = ("pow", "mean", "rsqrt", "mul")


def loop(**roles: tuple[str, ...]) -> Program:
    """Four steps of two layers, each with these roles; their kernels take 2 µs, after a wait of 0.5 µs."""
    program = Program()
    for _ in range(4):
        with program.step():
            for layer in range(2):
                for role, kernels in roles.items():
                    with program.range(f"model.layers.{layer}.{role}"):
                        for name in kernels:
                            program.kernel(name, 10_000 if name == "long" else 2_000, wait_ns=500)
    return program


def test_a_norm_of_four_kernels(look: Look) -> None:
    (finding,) = look(unfused_roles, loop(input_layernorm=NORM).export).findings
    assert finding.claim == "input_layernorm: 4 kernels each time, none of them as long as 10 µs."
    assert finding.evidence[0].rows == tuple((name, 8, 16_000, 2_000.0, 0.25) for name in sorted(NORM))
    # Six kernels a step go, with their waits; the two that stay may take half of their time more.
    assert interval(finding) == (3_000 + 6_000, 3_000 + 12_000, 20_000)
    assert str(finding.target) == 'role("norm", "input_layernorm").kernels_per_layer <= 1'


def test_roles_of_the_same_kernels_are_one_finding(look: Look) -> None:
    program = loop(input_layernorm=NORM, post_attention_layernorm=(*NORM, "mul"), final_norm=("a", "b", "c", "d"))
    first, second = look(unfused_roles, program.export).findings
    assert first.claim.startswith("post_attention_layernorm, input_layernorm: 4 to 5 kernels each time")
    assert first.target.names == ("norm", "post_attention_layernorm")
    assert second.target.names == ("norm", "final_norm")


def test_a_role_is_called_by_its_layer_type_too_where_it_does_not_say_it(look: Look) -> None:
    program = Program()
    for _ in range(2):
        with program.step(), program.range("model.layers.0.self_attn.q_norm"):
            for name in NORM:
                program.kernel(name, 2_000)
    (finding,) = look(unfused_roles, program.export).findings
    assert finding.claim.startswith("attention q_norm: 4 kernels each time")


def test_kernels_that_wait_for_the_one_ahead_are_as_short_as_what_they_do_themselves(look: Look) -> None:
    """Each begins 10 µs before the one ahead has ended, and runs 2 µs beyond it."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 20_000)
            with program.range("model.layers.0.input_layernorm"):
                for name in NORM:
                    program.kernel(name, 12_000, wait_ns=-10_000)
    (finding,) = look(unfused_roles, program.export).findings
    assert (
        finding.claim == "input_layernorm: 4 kernels each time, each less than 10 µs longer than the one ahead of it."
    )
    # Three of them go: 6 µs beyond the first one, half of which the fused kernel may still need.
    assert interval(finding) == (3_000, 6_000, 28_000)


@pytest.mark.parametrize(
    "kernels",
    [
        pytest.param(NORM[:3], id="three kernels"),
        pytest.param((*NORM, "long"), id="a long one"),
        pytest.param((*NORM, "gemv"), id="a matrix product"),
    ],
)
def test_roles_that_are_left_alone(look: Look, kernels: tuple[str, ...]) -> None:
    assert not look(unfused_roles, loop(input_layernorm=kernels).export).findings


def test_ranges_without_a_layer_are_not_taken_for_one(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(4):
                with program.range("model.rotary_emb"):
                    program.kernel("sin", 2_000)
                    program.kernel("cos", 2_000)
    assert not look(unfused_roles, program.export).findings


def test_a_role_told_by_a_name_is_none(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(4):
                program.kernel("rms_norm_f32", 2_000)
    assert "role told by a range" in look(unfused_roles, program.export).lacking
