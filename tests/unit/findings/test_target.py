import pytest

from workbench.errors import UserError
from workbench.findings.target import Target, parse_target

PAIR = ("f<int>(int, int)", "g")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("memcpy_d2d.calls_per_step <= 16", Target("memcpy_d2d", "calls_per_step", "<=", 16)),
        ("step.wall_ns >= 0.5 in prefill", Target("step", "wall_ns", ">=", 0.5, "prefill")),
        ('kernel("a \\"b\\", c").mean_ns == 3', Target("kernel", "mean_ns", "==", 3, "decode", ('a "b", c',))),
        ('pair("f<int>(int, int)", "g").calls_per_step <= 0', Target("pair", "calls_per_step", "<=", 0, names=PAIR)),
    ],
)
def test_a_target_and_its_text(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert str(target) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (16.0, "16"),
        (0.1, "0.1"),
        (1_234_567.5, "1234567.5"),
        (1e16, "10000000000000000"),
        (2e-7, "0.0000002"),
    ],
)
def test_a_value_is_written_without_exponent_and_in_full(value: float, text: str) -> None:
    target = Target("step", "wall_ns", "<=", value)
    assert str(target) == f"step.wall_ns <= {text}"
    assert parse_target(str(target)).value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "faster",
        "step.wall_ns < 3",
        "step.wall_ns <= -3",
        "step.wall_ns <= 1e9",
        "step.wall_ns <= 3 in decoding",
        "step.calls_per_step <= 3",
        "stairs.wall_ns <= 3",
        "kernel.mean_ns <= 3",
        'step("x").wall_ns <= 3',
        'pair("a").calls_per_step <= 0',
        "kernel(gemv).mean_ns <= 3",
        "kernel(7).mean_ns <= 3",
        'role("mlp", null).kernel_names <= 1',
    ],
)
def test_anything_else_is_refused_with_what_was_written(text: str) -> None:
    with pytest.raises(UserError, match="^" + repr(text).replace("(", r"\(").replace(")", r"\)")):
        parse_target(text)


@pytest.mark.parametrize(
    ("comparison", "met"), [("<=", [True, True, False]), (">=", [False, True, True]), ("==", [False, True, False])]
)
def test_a_condition_holds_up_to_its_value(comparison: str, met: list[bool]) -> None:
    target = Target("step", "kernels", comparison, 5)
    assert [target.is_met_by(measured) for measured in (4, 5, 6)] == met
