from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.compare import measure_capture as module
from workbench.compare.measure_capture import measure_capture
from workbench.compare.measurement import CaptureMeasurement, Cell, Kernel, PhaseMeasurement, Place, Total

Analysed = Callable[[Export], Analysis]


def steps(count: int = 2, *, scale: int = 1, export: Export | None = None, pid: int = 7, tid: int = 7) -> Export:
    """Decode steps of two layers (100 ns each), with a copy (20 ns) and a wait; 1000 ns from one to the next."""
    export = export or Export()
    for step in range(count):
        at = 1000 * step
        export.range(f"decode_step {step}", at, at + 900, pid=pid, tid=tid)
        for layer in range(2):
            begin = at + 200 * layer
            export.range(f"model.layers.{layer}.self_attn", begin, begin + 50, pid=pid, tid=tid)
            export.launch("gemv", begin + 10, begin + 100, begin + 100 + 100 * scale, pid=pid, tid=tid)
        call = export.call("cudaMemcpyAsync_v3020", at + 410, at + 420, pid=pid, tid=tid)
        export.copy(1, 64, at + 700, at + 720, call, pid=pid)
    return export


@pytest.fixture
def measured(analysed: Analysed) -> Callable[[Export], CaptureMeasurement]:
    return lambda export: measure_capture(analysed(export), "capture")


def decode(capture: CaptureMeasurement) -> PhaseMeasurement:
    phase = capture.phase("decode")
    assert phase is not None
    return phase


def test_cells_are_kernels_at_their_places_over_all_steps(measured: Callable[[Export], CaptureMeasurement]) -> None:
    gemv = Kernel("gemv", "gemv")
    assert set(decode(measured(steps(3))).cells) == {
        Cell(Place("attention", layer, ""), gemv, 3, 300, 300) for layer in (0, 1)
    }


def test_steps_are_taken_apart(measured: Callable[[Export], CaptureMeasurement]) -> None:
    phase = decode(measured(steps(3)))
    assert phase.wall_ns.tolist() == [1000, 1000, 620]
    assert phase.other_busy_ns == {"copies and memsets": 60}
    assert int(phase.idle_ns.sum()) == 2620 - 600 - 60
    assert phase.idle_ns.shape == (len(IdleKind),)


def test_an_operation_that_outlasts_its_step_adds_to_both(measured: Callable[[Export], CaptureMeasurement]) -> None:
    export = steps(2)
    export.range("decode_step 2", 2000, 2900)
    export.launch("late", 2010, 2100, 2200)
    export.launch("long", 1500, 1900, 2150)
    phase = decode(measured(export))
    of_long = [cell for cell in phase.cells if cell.kernel.short == "long"]
    assert [(cell.total_ns, cell.busy_ns) for cell in of_long] == [(250, 250)]
    of_late = [cell for cell in phase.cells if cell.kernel.short == "late"]
    assert [(cell.total_ns, cell.busy_ns) for cell in of_late] == [(100, 50)]


def test_calls_are_summed_without_their_versions(measured: Callable[[Export], CaptureMeasurement]) -> None:
    export = steps(2)
    export.call("cudaLaunchKernel_v11060", 430, 440)
    capture = measured(export)
    launches = decode(capture).calls["cudaLaunchKernel"]
    assert (launches.count, launches.total_ns) == (5, 50)
    assert capture.calls is not None
    assert capture.calls["cudaMemcpyAsync"].count == 2


def test_copies_are_summed_by_kind(measured: Callable[[Export], CaptureMeasurement]) -> None:
    capture = measured(steps(2))
    assert decode(capture).memops == {"memcpy_h2d": Total(2, 40, 128)} == capture.memops


def test_the_order_is_that_of_the_median_step(measured: Callable[[Export], CaptureMeasurement]) -> None:
    export = steps(3)
    # The longest step runs something else.
    export.launch("odd", 1430, 1500, 1600)
    found = decode(measured(export)).sequences
    assert set(found) == {("attention", 0), ("attention", 1)}
    assert [(launch.kernel.short, launch.blocks) for launch in found["attention", 0]] == [("gemv", 132)]


def test_phases_without_steps_have_kernels_alone(measured: Callable[[Export], CaptureMeasurement]) -> None:
    export = steps(1)
    export.range("load", 5000, 5900)
    export.launch("fill", 5010, 5100, 5300)
    phase = measured(export).phase("load")
    assert phase is not None
    assert phase.steps == 0
    assert [(cell.count, cell.total_ns, cell.busy_ns) for cell in phase.cells] == [(1, 200, 0)]
    assert phase.samples_ns.shape[0] == 0


def test_samples_are_steps_and_means_of_neighbouring_ones_where_there_are_many(
    measured: Callable[[Export], CaptureMeasurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decode(measured(steps(5))).samples_ns.tolist() == [[200.0]] * 5
    monkeypatch.setattr(module, "MOST_SAMPLES", 2)
    export = steps(5)
    export.range("model.layers.0.self_attn", 500, 550)
    export.launch("gemv", 510, 600, 690)
    # Three steps are one sample; the two that are left over are none.
    assert decode(measured(export)).samples_ns.tolist() == [[(290 + 200 + 200) / 3]]


def test_processes_are_pooled(measured: Callable[[Export], CaptureMeasurement]) -> None:
    export = steps(2, export=steps(3), pid=8, tid=8)
    phase = decode(measured(export))
    assert phase.processes == 2
    assert phase.steps == 5
    assert sum(cell.count for cell in phase.cells) == 10
    busy_ns = sum(cell.busy_ns for cell in phase.cells) + sum(phase.other_busy_ns.values())
    assert busy_ns + int(phase.idle_ns.sum()) == int(np.sum(phase.wall_ns))
