"""Records one run of a program into an nsys report, or says why there is none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.command import CUDA_PROFILER_API, RecordingOptions, recording_command
from workbench.capture.interrupts import StopRequest
from workbench.capture.nsys import Nsys, how_to_install, missing_libraries
from workbench.capture.run import Progress, Run, run, wrapped
from workbench.errors import UserError

_COMPLAINT = re.compile(r"error|fail|unable|cannot|illegal|denied", re.IGNORECASE)


@dataclass(frozen=True)
class Recording:
    """A run and its report; None if the user stopped it before anything was recorded."""

    run: Run
    report: Path | None


def record(
    nsys: Nsys,
    options: RecordingOptions,
    program: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str],
    stop: StopRequest,
    progress: Progress,
) -> Recording:
    """Runs `program` under nsys.

    Args:
        nsys: what records.
        options: what to record.
        program: the program and its arguments.
        folder: an empty folder, for the report among others.
        environment: the program's.
        stop: the user's wish to stop.
        progress: told what is being waited for.

    Raises:
        UserError: there is no report, for a reason that the user can mend.
    """
    report, session = folder / "report.nsys-rep", f"profile-{folder.name}"
    command = recording_command(nsys, options, report, session, wrapped(program, folder, environment))
    stop_command = (str(nsys.path), "stop", f"--session={session}")
    done = run(command, stop_command, folder, environment=environment, stop=stop, progress=progress)
    if report.exists():
        return Recording(done, report)
    if done.gave_up:
        return Recording(done, None)
    if report.with_suffix(".qdstrm").exists():
        raise UserError(_importer_failed(nsys, done))
    if done.interrupted:
        return Recording(done, None)
    raise UserError(_nothing_recorded(options, done))


def _importer_failed(nsys: Nsys, done: Run) -> str:
    libraries = missing_libraries(nsys)
    if libraries:
        reason, remedy = f"it lacks {' and '.join(libraries)}", how_to_install(libraries)
    else:
        reason, remedy = _last_message(done), "run `wb doctor`, or install another nsys"
    return f"nsys {nsys.version_text} recorded the program but its importer failed ({reason}); {remedy}"


def _nothing_recorded(options: RecordingOptions, done: Run) -> str:
    if not done.started:
        return f"nsys could not start the program ({_last_message(done)}); run `wb doctor` to see what is missing"
    if options.capture_range == CUDA_PROFILER_API:
        return "the program never called cudaProfilerStart, so nothing was recorded; call it, or drop --capture-range"
    if options.capture_range:
        return f"the program never opened the range of --capture-range {options.capture_range}; mend the name"
    if options.delay_s:
        return f"the program ended before recording began, {options.delay_s:g} s after its start; shorten --delay"
    return f"nsys left no report ({_last_message(done)}); run `wb doctor` to see what is missing"


def _last_message(done: Run) -> str:
    """The last complaint of nsys, or else the last thing it said."""
    complaints = [message for message in done.messages if _COMPLAINT.search(message)]
    return next(reversed(complaints or done.messages), "it gave no reason").rstrip(".")
