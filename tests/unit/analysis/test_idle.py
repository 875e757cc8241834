"""What the GPU waited for, on gaps whose parts can be counted by hand.

Unless a test says otherwise the first kernel runs until 100 and the second starts at 170: a gap of 70 ns.
"""

from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind

Analysed = Callable[[Export], Analysis]


def first_kernel(phase_end: int = 1000) -> Export:
    """A thread in a decode range from 0, and its kernel that ends at 100."""
    export = Export()
    export.range("decode", 0, phase_end)
    export.launch("first", 0, 20, 100)
    return export


def gaps(analysis: Analysis) -> list[tuple[int, int]]:
    found = analysis.gaps
    return list(zip(found.begin_ns.tolist(), found.end_ns.tolist(), strict=True))


def waits(analysis: Analysis) -> dict[str, int]:
    """What all gaps add up to, by kind; kinds that do not occur are left out."""
    by_kind = dict(zip(IdleKind, analysis.gaps.waited_ns.sum(axis=0).tolist(), strict=True))
    return {kind.label: waited_ns for kind, waited_ns in by_kind.items() if waited_ns}


def test_a_late_launch_starves_the_gpu(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("second", 150, 170, 200)
    analysis = analysed(export)
    assert gaps(analysis) == [(100, 170)]
    assert waits(analysis) == {"launch_starved": 70}


def test_time_in_a_synchronising_call_is_blocked(analysed: Analysed) -> None:
    export = first_kernel()
    export.call("cudaStreamSynchronize_v3020", 30, 140)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"synchronizing": 40, "launch_starved": 30}


@pytest.mark.parametrize("call", ["cudaDeviceSynchronize_v3020", "cudaEventSynchronize_v3020", "cudaMemcpy_v3020"])
def test_all_synchronising_calls_block(analysed: Analysed, call: str) -> None:
    export = first_kernel()
    export.call(call, 30, 150)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"synchronizing": 50, "launch_starved": 20}


def test_synchronising_calls_that_overlap_block_once(analysed: Analysed) -> None:
    export = first_kernel()
    export.call("cudaStreamSynchronize_v3020", 30, 140)
    export.call("cuStreamSynchronize", 35, 135)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"synchronizing": 40, "launch_starved": 30}


def test_an_asynchronous_copy_to_pageable_memory_blocks(analysed: Analysed) -> None:
    export = first_kernel()
    export.copy(2, 4, 100, 110, export.call("cudaMemcpyAsync_v3020", 30, 140), source=2, destination=0)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"synchronizing": 30, "launch_starved": 30}


def test_an_asynchronous_copy_to_pinned_memory_does_not(analysed: Analysed) -> None:
    export = first_kernel()
    export.copy(2, 4, 100, 110, export.call("cudaMemcpyAsync_v3020", 30, 140), source=2, destination=1)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"launch_starved": 60}


def test_another_threads_synchronising_call_blocks_nobody_else(analysed: Analysed) -> None:
    export = first_kernel()
    export.call("cudaStreamSynchronize_v3020", 30, 140, tid=9)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"launch_starved": 70}


def test_between_two_phases_there_is_no_work(analysed: Analysed) -> None:
    export = first_kernel(phase_end=110)
    export.range("decode", 140, 400)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"no_work": 30, "launch_starved": 40}


def test_a_phase_that_another_thread_opened_for_the_process_is_work(analysed: Analysed) -> None:
    export = first_kernel(phase_end=110)
    export.range("decode", 105, 400, tid=9, style="start_end", end_tid=7)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"launch_starved": 70}


def test_a_phase_of_another_thread_is_not(analysed: Analysed) -> None:
    export = first_kernel(phase_end=110)
    export.range("decode", 105, 400, tid=9)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"no_work": 40, "launch_starved": 30}


def test_without_phases_all_time_before_the_launch_is_no_work(analysed: Analysed) -> None:
    export = Export()
    export.launch("first", 0, 20, 100)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"no_work": 50, "launch_starved": 20}


def test_time_in_any_call_is_work(analysed: Analysed) -> None:
    export = Export()
    export.launch("first", 0, 20, 100)
    export.call("cudaMalloc_v3020", 90, 145)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"launch_starved": 45 + 20, "no_work": 5}


def test_inferred_steps_are_work_from_their_first_call_to_their_last(analysed: Analysed) -> None:
    export = Export()
    for begin in (0, 1000, 2000, 3000):
        for number, name in enumerate("abc"):
            export.launch(name, begin + 20 * number, begin + 100 + 100 * number, begin + 200 + 100 * number)
        export.call("cudaGetLastError_v3020", begin + 390, begin + 450)
    analysis = analysed(export)
    assert {phase.steps_source for phase in analysis.phases} == {"inferred"}
    # The last kernel of a step ends at 400, its last call at 450; the next step is called at 1000, and runs at 1100.
    assert gaps(analysis) == [(400, 1100), (1400, 2100), (2400, 3100)]
    assert waits(analysis) == {"no_work": 3 * 550, "launch_starved": 3 * (50 + 100)}


def test_between_two_nodes_of_one_graph_launch_the_gpu_waits_in_the_graph(analysed: Analysed) -> None:
    export = first_kernel()
    launch = export.call("cudaGraphLaunch_v10000", 30, 40)
    export.kernel("node 1", 100, 120, launch, node=1)
    export.kernel("node 2", 170, 200, launch, node=2)
    assert waits(analysed(export)) == {"in_graph": 50}


def test_two_operations_of_one_call_are_no_graph(analysed: Analysed) -> None:
    export = first_kernel()
    call = export.call("cudaMemcpyAsync_v3020", 30, 40)
    export.copy(8, 64, 100, 120, call)
    export.copy(8, 64, 170, 200, call)
    assert waits(analysed(export)) == {"queued": 50}


def test_between_two_graph_launches_it_does_not(analysed: Analysed) -> None:
    export = first_kernel()
    export.kernel("node 1", 100, 120, export.call("cudaGraphLaunch_v10000", 30, 40), node=1)
    export.kernel("node 1", 170, 200, export.call("cudaGraphLaunch_v10000", 150, 160), node=1)
    assert waits(analysed(export)) == {"launch_starved": 50}


def test_a_launch_that_returned_before_the_gap_is_queued(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("second", 50, 170, 200)
    assert waits(analysed(export)) == {"queued": 70}


def test_a_launch_that_returns_within_the_gap_starves_until_then(analysed: Analysed) -> None:
    export = first_kernel()
    export.kernel("second", 170, 200, export.call("cudaLaunchKernel_v7000", 90, 130))
    assert waits(analysed(export)) == {"launch_starved": 30, "queued": 40}


def test_without_a_launch_record_the_reason_is_unknown(analysed: Analysed) -> None:
    export = first_kernel()
    export.kernel("second", 170, 200, None)
    assert waits(analysed(export)) == {"unknown": 70}


def test_several_kinds_share_one_gap(analysed: Analysed) -> None:
    export = first_kernel(phase_end=125)
    export.call("cudaStreamSynchronize_v3020", 30, 120)
    export.range("decode", 135, 400)
    export.launch("second", 150, 170, 200)
    # Blocked until 120, in no phase from 125 to 135, launching from 150.
    assert waits(analysed(export)) == {"synchronizing": 20, "no_work": 10, "launch_starved": 5 + 15 + 20}


def test_time_blocked_outside_any_phase_is_blocked(analysed: Analysed) -> None:
    export = first_kernel(phase_end=40)
    export.call("cudaStreamSynchronize_v3020", 30, 140)
    export.launch("second", 150, 170, 200)
    assert waits(analysed(export)) == {"synchronizing": 40, "no_work": 10, "launch_starved": 20}


def test_a_gap_is_time_in_which_no_stream_works(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("beside", 15, 60, 140, stream=8)
    export.launch("inside", 30, 70, 90, stream=9)
    export.launch("second", 150, 170, 200)
    analysis = analysed(export)
    assert gaps(analysis) == [(140, 170)]
    (previous,) = analysis.gaps.previous_operation.tolist()
    assert analysis.trace.strings[analysis.trace.operations.name[previous]] == "beside"


def test_copies_and_memsets_and_hidden_graphs_are_work(analysed: Analysed) -> None:
    export = first_kernel()
    export.copy(1, 64, 100, 120, export.call("cudaMemcpyAsync_v3020", 30, 35))
    export.memset(64, 120, 140, export.call("cudaMemsetAsync_v3020", 40, 45))
    export.hidden_graph(1, 140, 150, export.call("cudaGraphLaunch_v10000", 50, 55))
    export.launch("second", 60, 170, 200)
    analysis = analysed(export)
    assert gaps(analysis) == [(150, 170)]
    assert waits(analysis) == {"queued": 20}


def test_another_device_of_the_process_fills_a_gap(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("elsewhere", 15, 90, 165, device=1)
    export.launch("second", 150, 170, 200)
    assert gaps(analysed(export)) == [(165, 170)]


def test_processes_have_gaps_of_their_own(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("second", 150, 170, 200)
    for call_at, start, end in ((0, 50, 150), (20, 160, 210)):
        export.launch("of another", call_at, start, end, pid=8, tid=8)
    analysis = analysed(export)
    assert gaps(analysis) == [(100, 170), (150, 160)]
    assert analysis.gaps.process.tolist() == [0, 1]
    assert waits(analysis) == {"launch_starved": 70, "queued": 10}


def test_an_operation_without_length_divides_a_gap(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("nothing", 50, 130, 130)
    export.launch("second", 60, 170, 200)
    assert gaps(analysed(export)) == [(100, 130), (130, 170)]


def test_operations_that_follow_at_once_leave_no_gap(analysed: Analysed) -> None:
    export = first_kernel()
    export.launch("second", 30, 100, 200)
    analysis = analysed(export)
    assert gaps(analysis) == []
    assert waits(analysis) == {}


def test_kinds_add_up_to_every_gap(analysed: Analysed) -> None:
    export = first_kernel(phase_end=500)
    export.call("cudaStreamSynchronize_v3020", 120, 140)
    export.launch("second", 150, 170, 200)
    export.kernel("third", 300, 310, None)
    export.launch("fourth", 700, 710, 720)
    found = analysed(export).gaps
    assert found.waited_ns.sum(axis=1).tolist() == (found.end_ns - found.begin_ns).tolist() == [70, 100, 400]
