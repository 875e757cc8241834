"""Whether graphs are on, and bring what they should: healthy models, launch-bound and not, and those that fell back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.unit.gate.steps import GPU_NS, benches, decode, healthy, in_graph, launched, measured
from tests.unit.gate.test_facts import engine_facts
from workbench.gate.graphs import breaks_capture, judge, measure, predict
from workbench.gate.measured import MeasuredModel, StepFacts
from workbench.gate.verdict import GateResult, Line, Status

MALLOC = (("cudaMalloc", 1.0), ("cudaFree", 1.0))


def line(result: GateResult, name: str) -> Line:
    return next(line for line in result.lines if line.name == name)


def fell_back(ratio: float) -> MeasuredModel:
    """A healthy model, but for benches whose decode with graphs takes as long as that without."""
    model = healthy(ratio)
    return replace(model, numbers=benches(ratio * GPU_NS, ratio * GPU_NS))


@pytest.mark.parametrize("ratio", [1.2, 1.9, 2.23, 2.38])
def test_healthy_models_pass_whatever_graphs_bring_them(ratio: float) -> None:
    result = judge(healthy(), healthy(ratio))
    assert result.status is Status.PASSED
    gain = line(result, "gain of graphs")
    assert gain.now == pytest.approx(ratio, rel=1e-3)
    prediction = predict([launched(ratio * GPU_NS)], [in_graph()], ratio * GPU_NS)
    assert prediction.low < ratio < prediction.high
    assert gain.sentence == f"{prediction.low:.2f} to {prediction.high:.2f} is predicted."


def test_graphs_bring_little_to_a_model_that_keeps_the_gpu_busy() -> None:
    result = judge(healthy(), healthy(0.5))
    assert result.status is Status.PASSED
    assert line(result, "gain of graphs").now == pytest.approx(1.1, rel=1e-3)


@pytest.mark.parametrize("ratio", [1.2, 1.9, 2.23, 2.38])
def test_a_silent_fallback_fails_though_captures_ran_in_graphs(ratio: float) -> None:
    result = judge(healthy(ratio), fell_back(ratio))
    assert result.status is Status.FAILED
    assert line(result, "gain of graphs").now == pytest.approx(1)
    assert line(result, "launches a step").status is Status.PASSED
    assert "Decode is 1.00 times as fast in graphs as without" in result.sentence
    assert "predicts" in result.sentence


def test_a_silent_fallback_fails_where_captures_show_it() -> None:
    host_ns = 1.9 * GPU_NS
    now = measured([launched(host_ns)] * 4, benches(host_ns, host_ns))
    result = judge(healthy(), now)
    assert result.status is Status.FAILED
    assert (line(result, "launches a step").baseline, line(result, "launches a step").now) == (1, 183)
    assert "no captured step ran in a graph, and each took 183 launches" in result.sentence


def test_one_capture_of_several_that_fell_back_fails() -> None:
    model = healthy()
    now = replace(model, captures=(launched(1.9 * GPU_NS), *model.captures))
    result = judge(model, now)
    assert result.status is Status.FAILED
    assert "in 1 of 4 captures with graphs on" in result.sentence


def test_the_variant_without_graphs_fails_and_is_named() -> None:
    host_ns = 1.9 * GPU_NS
    now = measured([launched(host_ns)] * 4, [decode(host_ns, graphs=False, name="decode.128")], variants=["no-graphs"])
    result = judge(healthy(), now)
    assert result.status is Status.FAILED
    assert "as the variant no-graphs asks" in result.sentence


def test_a_baseline_that_goes_without_graphs_asks_for_none() -> None:
    model = replace(fell_back(1.9), captures=(launched(1.9 * GPU_NS),) * 4)
    without = replace(model, request=replace(model.request, variants=("no-graphs",)))
    assert judge(without, without).status is Status.NOT_RUN


def test_a_ratio_above_the_prediction_passes_for_the_host_may_be_slow() -> None:
    now = replace(healthy(), numbers=benches(GPU_NS, 4 * GPU_NS))
    assert judge(healthy(), now).status is Status.PASSED


def test_the_host_may_take_longer_beside_the_profiler_than_in_the_benchmark() -> None:
    """What a noisy host takes from run to run says nothing of graphs: the run beside the capture took 2.5 times."""
    model = healthy(2.5)
    assert judge(model, replace(model, numbers=benches(GPU_NS, 1.4 * GPU_NS))).status is Status.PASSED


def test_a_step_in_a_graph_that_takes_longer_than_launches_explain_fails() -> None:
    """Graphs and all, the captured step is as slow as without: they hide nothing, though launches cost half of it."""
    slow = in_graph(gpu_ns=1.9 * GPU_NS)
    now = measured([slow, launched(1.9 * GPU_NS)], benches(1.9 * GPU_NS, 1.9 * GPU_NS))
    result = judge(healthy(), now)
    assert result.status is Status.FAILED
    assert "it may have fallen back" in result.sentence


@pytest.mark.parametrize("place", ["in a graph", "launched"])
def test_a_call_that_breaks_a_capture_fails_and_is_named(place: str) -> None:
    on, off = (MALLOC, ()) if place == "in a graph" else ((), MALLOC)
    now = replace(healthy(), captures=(in_graph(calls=on), launched(1.9 * GPU_NS, calls=off)))
    result = judge(healthy(), now)
    assert result.status is Status.FAILED
    assert "Decode steps call cudaMalloc (1 a step) and cudaFree (1 a step)" in result.sentence
    found = line(result, "cudaMalloc")
    assert (found.status, found.baseline, found.now, found.unit) == (Status.FAILED, 0, 1, "calls")


def test_memory_that_is_allocated_in_stream_order_breaks_no_capture() -> None:
    calls = [("cudaMallocAsync", 1.0), ("cudaFreeAsync", 1.0)]
    now = replace(healthy(), captures=(in_graph(calls=calls), launched(1.9 * GPU_NS, calls=calls)))
    assert judge(healthy(), now).status is Status.PASSED


@pytest.mark.parametrize(
    ("name", "breaks"),
    [
        ("cudaMalloc", True),
        ("cudaFree", True),
        ("cuMemAlloc", True),
        ("cudaFreeAsync", False),
        ("cuMemAllocFromPoolAsync", False),
        ("cudaStreamSynchronize", True),
        ("cudaMemcpy", True),
        ("cudaMemcpyAsync (pageable)", True),
        ("cudaGraphLaunch (pageable)", False),
        ("cuModuleLoadData", True),
        ("cudaStreamBeginCapture", True),
        ("cudaLaunchKernel", False),
    ],
)
def test_calls_that_break_captures_are_known(name: str, breaks: bool) -> None:
    assert breaks_capture(name) is breaks


def test_processes_that_differ_too_much_leave_the_ratio_open() -> None:
    # Of steps between 0.9 and 2.7 times what a graph takes the mean may be all right.
    now = replace(healthy(), numbers=benches(1.8 * GPU_NS, 1.9 * GPU_NS, noise=0.5, processes=3))
    result = judge(healthy(), now)
    assert result.status is Status.UNDECIDED
    assert "processes differ too much" in result.sentence


def test_a_single_process_is_judged_as_it_is() -> None:
    one = {"processes": 1, "noise": 0}
    assert judge(healthy(), replace(healthy(), numbers=benches(GPU_NS, 1.9 * GPU_NS, **one))).status is Status.PASSED
    slow = replace(healthy(), numbers=benches(1.9 * GPU_NS, 1.9 * GPU_NS, **one))
    assert judge(healthy(), slow).status is Status.FAILED


def test_a_bench_without_graphs_that_seems_to_have_had_them_is_not_believed() -> None:
    now = replace(healthy(2.38), numbers=benches(GPU_NS, GPU_NS))
    result = judge(healthy(2.38), now)
    assert result.status is Status.UNDECIDED
    assert "one of the two is not what it says" in result.sentence


def test_facts_that_are_missing_leave_it_open() -> None:
    model = healthy()
    no_capture_off = replace(model, captures=model.captures[:-1])
    no_bench_off = replace(model, numbers=model.numbers[:1])
    nothing = replace(model, captures=())
    for now in (no_capture_off, no_bench_off, nothing):
        result = judge(model, now)
        assert result.status is Status.UNDECIDED
        assert result.sentence


def test_without_captures_on_either_side_and_on_a_cpu_nothing_is_run() -> None:
    model = healthy()
    nothing = replace(model, captures=())
    assert judge(nothing, nothing).status is Status.NOT_RUN
    on_cpu = measured(model.captures, model.numbers, backend="numpy")
    assert judge(on_cpu, on_cpu).status is Status.NOT_RUN


def test_a_baseline_without_captures_is_no_hindrance() -> None:
    imported = replace(healthy(), captures=(), numbers=())
    assert judge(imported, healthy()).status is Status.PASSED
    assert judge(imported, fell_back(1.9)).status is Status.FAILED


def test_decode_behind_a_long_context_is_not_held_against_short_captures() -> None:
    deep = benches(1.6 * GPU_NS, 1.9 * GPU_NS, depth=4096)
    model = replace(healthy(), numbers=(deep[0], replace(deep[1], depth=4096)))
    result = judge(model, model)
    assert result.status is Status.PASSED
    assert line(result, "gain of graphs").status is Status.NOT_RUN
    assert result.sentence.startswith("Captured steps ran in graphs. No benchmark")


def test_the_interval_of_the_ratio_is_that_of_students_t() -> None:
    model = replace(healthy(), numbers=benches(GPU_NS, 1.9 * GPU_NS, noise=0.01))
    found = measure(model)
    assert found is not None
    fast, slow = (np.array(number.medians_ns) for number in model.numbers)
    logs = np.log(slow / fast)
    expected = stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))
    assert found.interval == pytest.approx(np.exp(expected))
    assert found.least_with_ns < found.with_ns


def test_what_the_profiler_adds_is_taken_off_the_waiting_for_launches() -> None:
    host_ns = 1.9 * GPU_NS
    (facts,) = [launched(host_ns)]
    assert predict([facts], [], host_ns).starved_ns == pytest.approx(host_ns - 1.1 * GPU_NS)
    untimed = replace(facts, profiled_ns=None, unprofiled_ns=None)
    assert predict([untimed], [], host_ns).starved_ns == pytest.approx(4 / 3 * host_ns - 1.1 * GPU_NS)


@st.composite
def steps(draw: st.DrawFn) -> tuple[StepFacts, StepFacts, float]:
    """A step without graphs and one in a graph, and what the first takes unprofiled."""
    gpu_ns = draw(st.floats(1e5, 1e8))
    host_ns = gpu_ns * draw(st.floats(0.1, 10))
    waits_ns = draw(st.floats(0, 1e6))
    return launched(host_ns, gpu_ns=gpu_ns), in_graph(gpu_ns=gpu_ns, waits_ns=waits_ns), max(host_ns, 1.1 * gpu_ns)


@given(steps())
def test_a_capture_in_graphs_narrows_the_prediction_down(drawn: tuple[StepFacts, StepFacts, float]) -> None:
    off, on, without_ns = drawn
    wide, narrow = predict([off], [], without_ns), predict([off], [on], without_ns)
    assert 0 < wide.low <= narrow.low * (1 + 1e-9)
    assert narrow.low <= narrow.high <= wide.high * (1 + 1e-9)


@given(steps(), st.floats(1.05, 4))
def test_a_slower_host_makes_graphs_worth_more(drawn: tuple[StepFacts, StepFacts, float], factor: float) -> None:
    off, on, without_ns = drawn
    assert predict([off], [on], factor * without_ns).low > predict([off], [on], without_ns).low


def test_what_real_captures_predict_is_what_was_measured() -> None:
    """Decode of 128 tokens took 180.0 ms with graphs and 265.5 ms without (reports/engine.md)."""
    off = engine_facts("qwen3-4b-pp256-tg48-graphs-off-2026-11-21")
    on = [engine_facts("qwen3-4b-pp256-tg48-graphs-on-2026-11-21-2", number) for number in (1, 2, 3)]
    model = measured([*on, off], benches(180.0e6 / 128, 265.5e6 / 128))
    result = judge(model, model)
    assert result.status is Status.PASSED
    prediction = predict([off], on, 265.5e6 / 128)
    assert prediction.low < 265.5 / 180.0 < prediction.high
    fallen = replace(model, numbers=benches(265.5e6 / 128, 265.5e6 / 128))
    assert judge(model, fallen).status is Status.FAILED


@pytest.mark.parametrize("captured", [True, False])
def test_a_bench_that_fell_back_fails_though_captures_ran_in_graphs(captured: bool) -> None:
    before = healthy()
    numbers = (decode(1.2 * GPU_NS, graphs=False, name="decode.128"), decode(1.9 * GPU_NS, graphs=False))
    now = replace(before, numbers=numbers, captures=before.captures if captured else ())
    result = judge(before, now)
    assert result.status is Status.FAILED
    assert "fell back to single launches in the benchmark: decode.128 ran in graphs" in result.sentence
    assert line(result, "decode.128 in graphs").status is Status.FAILED
