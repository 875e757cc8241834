from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.analysis.idle import IdleKind
from workbench.analysis.steps import median_step, rows_of_phase, sum_by
from workbench.attribution.rules import PHASES
from workbench.trace.model import NONE

Analysed = Callable[[Export], Analysis]


def two_steps() -> Export:
    """Two decode steps that begin on the GPU at 100 and at 1100; the second ends at 1500."""
    export = Export()
    export.range("decode_step 0", 0, 900)
    export.launch("a", 50, 100, 300)
    export.launch("b", 60, 300, 450)
    export.range("decode_step 1", 1000, 2000)
    export.launch("a", 1050, 1100, 1300)
    export.launch("b", 1060, 1250, 1500)
    return export


def idle(analysis: Analysis, step: int) -> dict[str, int]:
    waited_ns = analysis.step_costs.idle_ns[step].tolist()
    return {kind.label: waited_ns[kind] for kind in IdleKind if waited_ns[kind]}


def adds_up(analysis: Analysis) -> bool:
    costs = analysis.step_costs
    return np.array_equal(costs.wall_ns, costs.busy_ns + costs.idle_ns.sum(axis=1))


def test_a_step_lasts_until_the_next_begins_and_the_last_one_to_its_own_end(analysed: Analysed) -> None:
    assert analysed(two_steps()).step_costs.wall_ns.tolist() == [1000, 400]


def test_busy_is_a_union_and_kernel_time_a_sum(analysed: Analysed) -> None:
    costs = analysed(two_steps()).step_costs
    assert costs.busy_ns.tolist() == [350, 400]
    assert costs.kernel_ns.tolist() == [350, 450]


def test_what_is_not_busy_is_idle_exactly(analysed: Analysed) -> None:
    analysis = analysed(two_steps())
    # From 450 on: in the range until 900, in none until 1000, and then launching until 1100.
    assert idle(analysis, 0) == {"launch_starved": 450 + 100, "no_work": 100}
    assert idle(analysis, 1) == {}
    assert adds_up(analysis)


def test_streams_and_devices_that_overlap_count_once(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("beside", 70, 200, 600, stream=8)
    export.launch("elsewhere", 80, 550, 700, device=1)
    analysis = analysed(export)
    assert analysis.step_costs.busy_ns.tolist() == [600, 400]
    assert adds_up(analysis)


def test_kernels_and_launches_are_counted_not_assumed(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("only in the second", 1070, 1500, 1600)
    export.call("cudaGraphLaunch_v10000", 1080, 1090)
    costs = analysed(export).step_costs
    assert costs.kernels.tolist() == [2, 3]
    assert costs.launches.tolist() == [2, 4]


def test_calls_are_counted_by_kind(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 1100, 1120)
    export.call("cudaStreamSynchronize_v3020", 1200, 1600)
    export.call("cudaStreamSynchronize_v3020", 2100, 2200)
    calls = analysed(export).step_costs.calls
    assert calls[:, CallKind.LAUNCH].tolist() == [2, 2]
    assert calls[:, CallKind.ALLOCATE].tolist() == [0, 1]
    # The second one is called after the step's range was closed.
    assert calls[:, CallKind.SYNCHRONIZE].tolist() == [0, 1]
    assert calls.sum(axis=1).tolist() == [2, 4]


def test_api_time_counts_calls_within_calls_once(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 1100, 1200)
    export.call("cuMemAlloc_v2", 1110, 1190)
    assert analysed(export).step_costs.api_ns.tolist() == [20, 120]


def test_operations_of_no_step_make_a_step_busy_but_are_not_its_kernels(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("outside any range", 950, 960, 1000)
    analysis = analysed(export)
    assert analysis.step_costs.busy_ns.tolist() == [390, 400]
    assert analysis.step_costs.kernels.tolist() == [2, 2]
    assert adds_up(analysis)


def test_a_step_that_carries_on_in_a_second_range_of_its_number_is_one(analysed: Analysed) -> None:
    export = two_steps()
    export.range("decode_step 1", 3000, 4000)
    export.launch("c", 3050, 3100, 3200)
    analysis = analysed(export)
    assert analysis.attribution.placement.steps.number.tolist() == [0, 1]
    assert analysis.step_costs.kernels.tolist() == [2, 3]
    assert analysis.step_costs.wall_ns.tolist() == [1000, 3200 - 1100]
    assert adds_up(analysis)


def test_a_step_whose_kernels_reach_into_the_next_is_cut_there(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("late", 70, 1000, 1200, stream=8)
    analysis = analysed(export)
    assert analysis.step_costs.wall_ns.tolist() == [1000, 400]
    assert analysis.step_costs.busy_ns.tolist() == [450, 400]
    assert adds_up(analysis)


def test_gaps_belong_to_the_step_in_whose_time_they_lie(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("before", 0, 10, 20)
    export.launch("after", 2100, 2200, 2300)
    analysis = analysed(export)
    # 20 to 100 is the first step's: its own range was open when "before" was launched.
    assert list(zip(analysis.gaps.begin_ns.tolist(), analysis.gap_steps.tolist(), strict=True)) == [
        (20, 0),
        (450, 0),
        (1500, NONE),
    ]


def test_steps_of_two_phases_that_overlap_have_all_the_idle_time_of_their_own_time(analysed: Analysed) -> None:
    export = Export()
    export.range("prefill", 0, 200, tid=7)
    export.range("decode", 0, 200, tid=9)
    export.launch("p", 1, 10, 20, tid=7)
    export.launch("d", 2, 30, 40, tid=9)
    export.launch("p", 3, 100, 110, tid=7)
    export.launch("d", 4, 130, 140, tid=9)
    analysis = analysed(export)
    costs = analysis.step_costs
    assert costs.wall_ns.tolist() == [100, 110]
    assert costs.busy_ns.tolist() == [30, 30]
    assert [idle(analysis, step) for step in (0, 1)] == [{"queued": 10 + 60}, {"queued": 60 + 20}]


def test_processes_with_equal_step_numbers_are_apart(analysed: Analysed) -> None:
    export = Export()
    for pid, begin in ((7, 0), (8, 10)):
        export.range("decode_step 0", begin, begin + 400, pid=pid, tid=pid)
        export.launch("a", begin + 10, begin + 100, begin + 150, pid=pid, tid=pid)
        export.launch("b", begin + 20, begin + 200, begin + 300, pid=pid, tid=pid)
    analysis = analysed(export)
    assert analysis.step_costs.wall_ns.tolist() == [200, 200]
    assert analysis.step_costs.busy_ns.tolist() == [150, 150]
    assert analysis.step_costs.kernels.tolist() == [2, 2]
    assert adds_up(analysis)


def test_a_step_that_begins_with_an_empty_kernel_waits_from_there_on(analysed: Analysed) -> None:
    export = Export()
    export.range("decode", 0, 900)
    export.launch("nothing", 10, 100, 100)
    export.launch("a", 20, 150, 200)
    analysis = analysed(export)
    assert idle(analysis, 0) == {"queued": 50}
    assert adds_up(analysis)


def test_a_step_of_nothing_but_an_empty_kernel_costs_nothing(analysed: Analysed) -> None:
    export = Export()
    export.range("decode", 0, 100)
    export.launch("nothing", 10, 50, 50)
    analysis = analysed(export)
    assert (analysis.step_costs.wall_ns.tolist(), analysis.step_costs.busy_ns.tolist()) == ([0], [0])
    assert analysis.step_costs.kernels.tolist() == [1]


def test_a_capture_without_steps_has_no_costs(analysed: Analysed) -> None:
    export = Export()
    export.launch("a", 0, 10, 20)
    costs = analysed(export).step_costs
    assert len(costs.wall_ns) == 0
    assert costs.calls.shape == (0, len(CallKind))
    assert costs.idle_ns.shape == (0, len(IdleKind))


def test_rows_of_a_phase_are_of_one_process(analysed: Analysed) -> None:
    export = two_steps()
    export.range("prefill", 0, 90, pid=8, tid=8)
    export.launch("p", 1, 10, 20, pid=8, tid=8)
    steps = analysed(export).attribution.placement.steps
    assert rows_of_phase(steps, 0, PHASES.index("decode")).tolist() == [True, True, False]
    assert rows_of_phase(steps, 1, PHASES.index("decode")).tolist() == [False, False, False]


@pytest.mark.parametrize("value", [1, 2**53 + 1])
def test_sums_are_exact_and_leave_out_what_has_no_group(value: int) -> None:
    group, values = np.array([0, 2, 0, NONE]), np.array([value, 5, 1, 7])
    assert sum_by(group, values, 3).tolist() == [value + 1, 0, 5]


@pytest.mark.parametrize(
    ("wall_ns", "step"), [([5], 0), ([9, 5], 1), ([3, 1, 2], 2), ([4, 1, 3, 2], 3), ([7, 7, 7], 1)]
)
def test_the_median_step_is_the_lower_one_of_two(wall_ns: list[int], step: int) -> None:
    assert median_step(np.array(wall_ns)) == step
