"""Which layer types explain a slow-down: captures made by hand, and real ones of a known cause."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.unit.gate.steps import GPU_NS, benches, decode, in_graph, launched, measured
from tests.unit.gate.test_facts import engine_facts
from workbench.gate.layers import compare_steps, judge
from workbench.gate.measured import MeasuredModel, StepFacts
from workbench.gate.verdict import GateResult, Line, Status

ATTENTION_NS = 500_000
MLP_NS = 840_000
STEP_NS = 1_445_000


def captured(mlp_ns: float, *, count: int = 3, waits_ns: float = 0) -> list[StepFacts]:
    """Captures of a step in a graph that differ among themselves by about 2 µs."""
    return [
        replace_part(in_graph(gpu_ns=GPU_NS, mlp_ns=mlp_ns + 1_000 * number, waits_ns=waits_ns), "attention")
        for number in range(count)
    ]


def replace_part(facts: StepFacts, label: str) -> StepFacts:
    """The same step with attention of a known time."""
    parts = tuple(replace(part, time_ns=ATTENTION_NS) if part.label == label else part for part in facts.parts)
    return replace(facts, parts=parts, wall_ns=sum(part.time_ns for part in parts))


def model(captures: Sequence[StepFacts], step_ns: float) -> MeasuredModel:
    """Captures beside benches of decode that take so long."""
    return measured(captures, benches(step_ns, 2 * step_ns))


BASELINE = model(captured(MLP_NS), STEP_NS)


def line(result: GateResult, name: str) -> Line:
    return next(line for line in result.lines if line.name == name)


def test_a_slow_down_is_explained_by_the_part_that_changed() -> None:
    result = judge(BASELINE, model(captured(MLP_NS + 227_000), 1.15 * STEP_NS))
    assert result.status is Status.FAILED
    assert result.sentence == "mlp takes 227 µs a step more (841 -> 1068 µs), 100 % of the slow-down."
    mlp = line(result, "mlp")
    assert (mlp.status, mlp.unit) == (Status.FAILED, "ns")
    assert (mlp.baseline, mlp.now) == (MLP_NS + 1_000, MLP_NS + 228_000)
    assert mlp.interval is not None
    assert mlp.change is not None
    assert mlp.change == pytest.approx(227_000 / 841_000)
    assert mlp.interval[0] < mlp.change < mlp.interval[1]
    assert [line.name for line in result.lines][:2] == ["step", "mlp"]
    assert line(result, "attention").status is Status.PASSED


def test_several_parts_are_named_the_largest_first_and_small_ones_left_out() -> None:
    now = captured(MLP_NS + 30_000, waits_ns=100_000)
    result = judge(BASELINE, model(now, 1.1 * STEP_NS))
    assert result.sentence == (
        "idle (waiting for launches) takes 100 µs a step more (0 -> 100 µs), 77 % and "
        "mlp takes 30.0 µs a step more (841 -> 871 µs), 23 % of the slow-down."
    )
    waits = line(result, "idle (waiting for launches)")
    assert (waits.change, waits.interval) == (None, None)


def test_lines_are_all_parts_and_add_up_to_the_step() -> None:
    result = judge(BASELINE, model(captured(MLP_NS + 50_000, waits_ns=20_000), STEP_NS))
    step, *parts = result.lines
    assert step.name == "step"
    for side in ("baseline", "now"):
        assert sum(getattr(part, side) for part in parts) == pytest.approx(getattr(step, side))
    changes = [abs(part.now - part.baseline) for part in parts if part.now is not None and part.baseline is not None]
    assert changes == sorted(changes, reverse=True)


def test_nothing_fails_where_benchmarks_are_as_fast_as_before() -> None:
    """A profiler makes launches and waits longer than they are."""
    result = judge(BASELINE, model(captured(MLP_NS, waits_ns=200_000), STEP_NS))
    assert result.status is Status.PASSED
    assert Status.FAILED not in {line.status for line in result.lines}
    assert result.sentence.endswith("That fails nothing: benchmarks do not show decode slower.")


def test_an_unchanged_step_passes() -> None:
    result = judge(BASELINE, BASELINE)
    assert result.status is Status.PASSED
    assert result.sentence == "A captured decode step takes 1.35 ms, and 1.35 ms in the baseline."


def test_a_gain_is_no_slow_down() -> None:
    assert judge(BASELINE, model(captured(MLP_NS - 100_000), 0.9 * STEP_NS)).status is Status.PASSED


def test_a_slow_down_that_captures_do_not_show_is_left_open() -> None:
    result = judge(BASELINE, model(captured(MLP_NS), 1.2 * STEP_NS))
    assert result.status is Status.UNDECIDED
    assert "does not show in it" in result.sentence


def test_one_capture_a_side_explains_without_a_verdict_on_parts() -> None:
    before, after = model(captured(MLP_NS, count=1), STEP_NS), model(captured(MLP_NS + 200_000, count=1), 1.2 * STEP_NS)
    result = judge(before, after)
    assert result.status is Status.FAILED
    assert result.sentence.startswith("mlp takes 200 µs a step more")
    assert {line.status for line in result.lines} == {Status.UNDECIDED}
    assert {(line.interval, line.smallest) for line in result.lines} == {(None, None)}
    again = judge(before, replace(after, numbers=before.numbers))
    assert again.status is Status.PASSED
    assert again.sentence.endswith("That fails nothing: benchmarks do not show decode slower.")
    assert "slow-down" not in again.sentence


@pytest.mark.parametrize("more_ns", [-50_000, 0, 200_000])
def test_one_capture_a_side_passes_nothing_that_benchmarks_leave_open(more_ns: float) -> None:
    one = {"processes": 1, "noise": 0}
    before = measured(captured(MLP_NS, count=1), benches(STEP_NS, 2 * STEP_NS, **one))
    after = measured(captured(MLP_NS + more_ns, count=1), benches(STEP_NS, 2 * STEP_NS, **one))
    result = judge(before, after)
    assert result.status is Status.UNDECIDED
    assert result.sentence.endswith("One capture a side gives no verdict, and benchmarks give none on decode.")
    assert "slow" not in result.sentence


def test_what_grew_is_named_though_captures_differ_too_much_to_tell() -> None:
    """The only capture without graphs beside some that vary: its step is half as long again."""
    spread = [captured(MLP_NS + more_ns, count=1)[0] for more_ns in (0, 300_000, 600_000)]
    now = captured(MLP_NS + 300_000, count=1, waits_ns=469_000)
    result = judge(model(spread, STEP_NS), model(now, 1.5 * STEP_NS))
    assert result.status is Status.UNDECIDED
    assert result.sentence.startswith("idle (waiting for launches) takes 469 µs a step more (0 -> 469 µs), 100 %")
    assert result.sentence.endswith("captures are too few, or differ too much, to tell for sure.")


def test_a_single_process_tells_nothing_of_speed_and_a_longer_step_is_left_open() -> None:
    one = {"processes": 1, "noise": 0}
    before = measured(captured(MLP_NS), benches(STEP_NS, 2 * STEP_NS, **one))
    after = measured(captured(MLP_NS + 200_000), benches(1.2 * STEP_NS, 2 * STEP_NS, **one))
    assert judge(before, after).status is Status.UNDECIDED
    assert judge(before, before).status is Status.PASSED


def test_decode_without_graphs_is_no_reason_where_there_are_graphs() -> None:
    """The host's own times are noise: what users run is decode in graphs."""
    slow_host = measured(captured(MLP_NS + 200_000), [decode(STEP_NS), decode(4 * STEP_NS, graphs=False)])
    assert judge(BASELINE, slow_host).status is Status.PASSED


def test_captures_without_graphs_are_left_out_unless_there_are_no_others() -> None:
    before = model([*captured(MLP_NS), launched(3 * GPU_NS)], STEP_NS)
    assert line(judge(before, before), "step").now == pytest.approx(1_346_000)
    fell_back = model([launched((3 + number / 100) * GPU_NS) for number in range(4)], 3 * STEP_NS)
    result = judge(before, fell_back)
    assert result.status is Status.FAILED
    assert result.sentence.startswith("idle (waiting for launches) takes")


def test_a_side_without_captures_is_not_judged() -> None:
    assert judge(model([], STEP_NS), BASELINE).status is Status.NOT_RUN
    assert judge(BASELINE, model([], STEP_NS)).status is Status.UNDECIDED


def test_steps_on_a_cpu_are_compared_as_well() -> None:
    cpu = [replace(facts, graphs=False, launches=0) for facts in captured(MLP_NS)]
    slow = [replace(facts, graphs=False, launches=0) for facts in captured(MLP_NS + 300_000)]
    before = measured(cpu, [decode(1e6, graphs=None)], backend="numpy")
    after = measured(slow, [decode(1.2e6, graphs=None)], backend="numpy")
    assert judge(before, after).sentence.startswith("mlp takes 300 µs")


def test_real_captures_of_separate_gate_and_up_products_name_mlp() -> None:
    """Speeds as reports/engine.md has them: 180.0 and 209.9 ms for 128 steps."""
    fused, unfused = (
        [engine_facts(f"qwen3-4b-pp256-tg48-graphs-on-{name}", number) for number in (1, 2, 3)]
        for name in ("2026-11-21-2", "unfused-gate-up-2026-11-21")
    )
    result = judge(model(fused, 180.0e6 / 128), model(unfused, 209.9e6 / 128))
    assert result.status is Status.FAILED
    assert result.sentence == "mlp takes 228 µs a step more (842 -> 1070 µs), 98 % of the slow-down."
    assert judge(model(unfused, 209.9e6 / 128), model(fused, 180.0e6 / 128)).status is Status.PASSED


def test_one_real_capture_a_side_names_mlp_too() -> None:
    change = compare_steps(
        [engine_facts("qwen3-4b-pp256-tg48-graphs-on-2026-11-21-2")],
        [engine_facts("qwen3-4b-pp256-tg48-graphs-on-unfused-gate-up-2026-11-21")],
    )
    assert change.parts[0].name == "mlp"
    assert change.parts[0].time.is_significant is None
