from collections.abc import Callable

from tests.exports import Export
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.analysis.idle import IdleKind
from workbench.findings.view import PhaseView, phase_views

Analysed = Callable[[Export], Analysis]


def views(analysis: Analysis) -> list[PhaseView]:
    return list(phase_views(analysis))


def test_every_phase_of_every_process_that_has_steps(analysed: Analysed) -> None:
    export = Export()
    for pid in (7, 8):
        program = Program(export, pid=pid)
        for place in ("warmup", "prefill 0", "decode 0", "decode 1", "anything"):
            with program.range(place):
                program.kernel("gemv", 1_000)
                program.memset(8, 100)
                program.copy(1, 8, 100)
    found = views(analysed(export))
    assert [(view.pid, view.phase, view.step_count) for view in found] == [
        (7, "prefill", 1),
        (7, "decode", 2),
        (8, "prefill", 1),
        (8, "decode", 2),
    ]
    assert [len(view.operations) for view in found] == [3, 6, 3, 6]
    for view in found:
        assert len(view.kernels) == len(view.memsets) == len(view.copies) == view.step_count
        assert len(view.calls_of(CallKind.LAUNCH)) == view.step_count


def test_calls_between_steps_are_no_steps_calls(analysed: Analysed) -> None:
    """A range around all steps is of the same phase, but puts nothing on the GPU itself."""
    program = Program()
    with program.range("decode"):
        for _ in range(3):
            with program.step():
                program.kernel("gemv", 1_000)
                program.call("cudaMalloc_v3020")
            program.call("cudaMalloc_v3020")
    (view,) = views(analysed(program.export))
    assert view.step_count == 3
    assert len(view.calls_of(CallKind.ALLOCATE)) == 3


def test_the_middle_step_is_the_lower_median_and_the_first_of_equals(analysed: Analysed) -> None:
    program = Program()
    for wall_us in (5, 1, 3, 3, 9, 2):
        with program.step():
            program.kernel("gemv", 1_000 * wall_us)
    (view,) = views(analysed(program.export))
    assert view.middle_step == 2
    assert view.median_wall_ns == 3_000


def test_idle_time_counts_during_calls_only(analysed: Analysed) -> None:
    """Nested calls count once, and neither does what the GPU does during a call nor what lies outside of steps."""
    program = Program()
    program.call("cuModuleLoadData", 500)
    for _ in range(2):
        with program.step():
            program.synchronize()
            program.export.call("cuLibraryLoadData", program.host_ns + 10, program.host_ns + 300)
            program.call("cuModuleLoadData", 400)
            program.kernel("gemv", 10_000, wait_ns=1_000, late=True)
            program.call("cuModuleLoadData", 700)
    (view,) = views(analysed(program.export))
    # The first step's wait comes before its first operation.
    assert view.idle_during_ns(view.calls_of(CallKind.MODULE_LOAD)) == 400


def test_a_launch_is_late_when_the_gpu_was_idle_already(analysed: Analysed) -> None:
    program = Program()
    for late in (True, False, True):
        with program.step():
            program.kernel("gemv", 10_000)
            program.kernel("add", 10_000, wait_ns=2_000, late=late)
    (view,) = views(analysed(program.export))
    assert view.late_launch_ns().tolist() == [2_000, 0, 2_000]


def test_single_long_waits_are_left_out_where_steps_are_few(analysed: Analysed) -> None:
    for steps, regular_ns in ((3, 8_000), (4, 108_000)):
        program = Program()
        for _ in range(steps):
            with program.step():
                for _ in range(9):
                    program.kernel("gemv", 10_000, wait_ns=1_000, late=True)
                program.kernel("sample", 10_000, wait_ns=100_000, late=True)
        (view,) = views(analysed(program.export))
        # The last step has no wait after it, the others a ninth short one.
        assert view.regular_idle_ns(IdleKind.LAUNCH)[-1] == regular_ns
        assert view.regular_wall_ns[-1] == 100_000 + regular_ns
