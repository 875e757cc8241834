"""Records one run of a program into an nsys report, or says why there is none."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.command import CUDA_PROFILER_API, RecordingOptions, recording_command
from workbench.capture.interrupts import StopRequest
from workbench.capture.nsys import Nsys, how_to_install, missing_libraries
from workbench.capture.supervise import Progress, Run, supervise, wrapped
from workbench.errors import UserError

_REPORT = "report.nsys-rep"
_PAUSE_S = 1.0
_COMPLAINT = re.compile(r"error|fail|unable|cannot|illegal|denied|lost", re.IGNORECASE)
# At the end of a dump, such as `[QuadDCommon::tag_message*] = ...`.
_TAG = re.compile(r"^\[.*\] = ")
# `Local Endpoint is not available`, `Connection to Agent lost`.
_AGENT = re.compile(r"\bendpoint\b|\bagent\b", re.IGNORECASE)


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
    """Runs `program` under nsys; once more where nsys started nothing for want of its own agent.

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

    def attempt(folder: Path) -> Run:
        session = f"profile-{folder.name}"
        wrapped_program = wrapped(program, folder, environment)
        command = recording_command(nsys, options, folder / _REPORT, session, wrapped_program)
        stop_command = (str(nsys.path), "stop", f"--session={session}")
        return supervise(command, stop_command, folder, environment=environment, stop=stop, progress=progress)

    done = attempt(folder)
    if _missed_its_agent(done):
        progress("nsys could not reach its own agent; trying once more")
        time.sleep(_PAUSE_S)
        # Neither files nor the session of the first attempt must be in the way of the second.
        folder = folder / f"{folder.name}-again"
        folder.mkdir()
        done = attempt(folder)
    return _recording_of(done, nsys, options, folder / _REPORT)


def _missed_its_agent(done: Run) -> bool:
    """Whether nsys failed as it does now and then where several run at once."""
    return not (done.started or done.interrupted) and any(map(_AGENT.search, done.messages))


def _recording_of(done: Run, nsys: Nsys, options: RecordingOptions, report: Path) -> Recording:
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
        return (
            f"nsys could not start the program ({_last_message(done)}); try again when no other nsys is running, or "
            "run `wb doctor` to see what is missing"
        )
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
    last = next(reversed(complaints or done.messages), "it gave no reason")
    return _TAG.sub("", last).rstrip(".")
