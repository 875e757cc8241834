"""API time while the GPU was idle, on steps whose gaps can be counted by hand."""

from collections.abc import Callable

import numpy as np

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.critical_calls import critical_call_ns

Analysed = Callable[[Export], Analysis]


def two_steps(pid: int = 7, export: Export | None = None) -> Export:
    """Two decode steps: the GPU works from 100 to 200, 300 to 400 and, in the second one, 600 to 700."""
    export = export or Export()
    export.range("decode_step 0", 0, 350, pid=pid, tid=pid)
    export.launch("a", 0, 100, 200, pid=pid, tid=pid)
    export.launch("b", 20, 300, 400, pid=pid, tid=pid)
    export.range("decode_step 1", 350, 900, pid=pid, tid=pid)
    export.launch("c", 350, 600, 700, pid=pid, tid=pid)
    return export


def critical(analysis: Analysis, name: str) -> list[int]:
    """What is critical of the calls of this name, in order of time."""
    trace = analysis.trace
    rows = [row for row, text in enumerate(trace.texts(trace.calls.name)) if text == name]
    found: list[int] = analysis.critical_call_ns[rows].tolist()
    return found


def test_only_what_passes_while_the_gpu_is_idle_is_critical(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 150, 260)
    export.call("cudaMalloc_v3020", 310, 340)
    export.call("cudaMalloc_v3020", 390, 650)
    assert critical(analysed(export), "cudaMalloc_v3020") == [60, 0, 200]


def test_before_and_after_all_steps_nothing_is_critical(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 40, 90)
    export.call("cudaMalloc_v3020", 690, 800)
    assert critical(analysed(export), "cudaMalloc_v3020") == [0, 0]


def test_idle_time_between_other_phases_is_not_critical(analysed: Analysed) -> None:
    export = Export()
    export.range("load", 0, 400)
    export.launch("a", 0, 100, 200)
    export.launch("b", 20, 300, 350)
    export.call("cudaMalloc_v3020", 150, 310)
    assert critical(analysed(export), "cudaMalloc_v3020") == [0]


def test_a_call_within_another_counts_once(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 190, 280)
    export.call("cuMemAlloc_v2", 210, 270)
    analysis = analysed(export)
    assert critical(analysis, "cudaMalloc_v3020") == [80]
    assert critical(analysis, "cuMemAlloc_v2") == [0]


def test_calls_of_two_threads_wait_each_for_themselves(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaMalloc_v3020", 210, 260)
    export.call("cudaMalloc_v3020", 220, 300, tid=9)
    assert critical(analysed(export), "cudaMalloc_v3020") == [50, 80]


def test_another_process_that_works_hides_nothing(analysed: Analysed) -> None:
    export = two_steps()
    export.launch("elsewhere", 0, 150, 350, pid=8, tid=8)
    export.call("cudaMalloc_v3020", 200, 300)
    export.call("cudaMalloc_v3020", 200, 300, pid=8, tid=8)
    assert critical(analysed(export), "cudaMalloc_v3020") == [100, 0]


def test_a_capture_without_calls_has_none(analysed: Analysed) -> None:
    export = Export()
    export.kernel("k", 0, 10, None)
    assert analysed(export).critical_call_ns.tolist() == []


def test_of_some_calls_only_those_around_them_that_are_asked_for_cover_them(analysed: Analysed) -> None:
    export = two_steps()
    export.call("cudaLaunchKernel_v7000", 205, 290)
    export.call("cuModuleLoadData", 210, 280)
    export.call("cuLibraryLoadData", 220, 230)
    analysis = analysed(export)
    trace = analysis.trace
    rows = np.array([row for row, text in enumerate(trace.texts(trace.calls.name)) if "LoadData" in text])
    assert critical(analysis, "cuModuleLoadData") == [0]
    assert sum(critical_call_ns(trace, analysis.gaps, analysis.gap_steps, rows).tolist()) == 70
