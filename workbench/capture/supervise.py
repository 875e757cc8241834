"""Runs a program under nsys, as if nsys were not there.

The program keeps its own standard streams, terminal included, and its own exit code. nsys would read both through
pipes and store them, would mix its messages into them, and forgets the exit code of a program that it does not
wait for. So a shell around nsys puts the streams aside and sends nsys's messages to a file, and a shell around the
program takes the streams back and writes the exit code to another.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.interrupts import StopRequest
from workbench.capture.program_status import ProgramStatus

Progress = Callable[[str], None]

_AROUND_NSYS = 'log=$1; shift; exec "$@" 3<&0 4>&1 5>&2 </dev/null >"$log" 2>&1'
# The trap keeps the shell alive through a Ctrl-C, which the program gets all the same; a subshell forgets it.
_AROUND_PROGRAM = (
    'status=$1; if [ "$2" ]; then TMPDIR=$2; else unset TMPDIR; fi; shift 2; echo $$ >"$status"; trap : INT TERM; '
    '(exec "$@" <&3 >&4 2>&5 3<&- 4>&- 5>&-); echo $? >>"$status"'
)
_STATUS = "status"
_PROGRESS_BAR = re.compile(r"\[[= ]*\d+%")
_PATIENCE_S = 5
_POLL_S = 0.05
_FIRST_NOTICE_S = 30


@dataclass(frozen=True)
class Run:
    """How a run went.

    Attributes:
        started: the program was started.
        exit_code: the program's own (128 + n after signal n); None if it never gave one.
        interrupted: the user stopped it.
        gave_up: the user did not wait for it to end.
        duration_s: from start to the program's end.
        messages: what nsys had to say, line by line.
    """

    started: bool
    exit_code: int | None
    interrupted: bool
    gave_up: bool
    duration_s: float
    messages: tuple[str, ...]


def wrapped(program: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command that `nsys profile` is to start for `program`, when `supervise` starts nsys.

    Args:
        program: the program and its arguments.
        folder: the same as for `supervise`.
        environment: the same as for `supervise`.
    """
    status, temporary = str(folder / _STATUS), environment.get("TMPDIR", "")
    return ("/bin/sh", "-c", _AROUND_PROGRAM, "wb", status, temporary, *program)


def supervise(
    command: Sequence[str],
    stop_command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str],
    stop: StopRequest,
    progress: Progress,
) -> Run:
    """Runs nsys until it and the program have ended.

    When the user asks to stop, nsys is told to end its recording, and then the program gets the Ctrl-C. The next
    one kills the program, and nsys if it has not finished its report; so does a terminal that closes.

    Args:
        command: nsys's command line, its program `wrapped`.
        stop_command: what tells this nsys to end its recording.
        folder: an empty folder of our own. Whatever nsys forgets to clean up lies there in the end.
        environment: the program's.
        stop: the user's wish to stop.
        progress: told what is being waited for.
    """
    log, program = folder / "nsys.log", ProgramStatus(folder / _STATUS)
    nsys_environment = {**environment, "TMPDIR": str(folder)}
    start_s = time.monotonic()
    nsys = _start(command, log, nsys_environment)
    watch = _Watch(stop, progress, lambda: _end(program, nsys, stop_command, nsys_environment))
    try:
        waited = _wait_for(program, nsys, watch, stop)
    finally:
        _kill_processes_of_nsys(folder)
    nsys.wait()
    return Run(
        started=program.process_id is not None,
        exit_code=program.exit_code,
        interrupted=stop.made,
        gave_up=not waited,
        duration_s=round(time.monotonic() - start_s, 3),
        messages=_messages(log),
    )


def _start(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr = map(_stream, range(3))
    return subprocess.Popen(
        ["/bin/sh", "-c", _AROUND_NSYS, "wb", str(log), *command],
        env=environment,
        # In a group of its own nsys gets no Ctrl-C from the terminal: it would drop what the GPU has not told yet.
        process_group=0,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


def _end(
    program: ProgramStatus, nsys: subprocess.Popen[bytes], stop_command: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Ends the recording, and then the program as a Ctrl-C would."""
    if program.process_id is None:
        nsys.send_signal(signal.SIGINT)
        return
    if nsys.poll() is None:
        subprocess.run(stop_command, env=environment, capture_output=True, check=False, process_group=0)
    program.send(signal.SIGINT)


def _wait_for(program: ProgramStatus, nsys: subprocess.Popen[bytes], watch: "_Watch", stop: StopRequest) -> bool:
    """Waits until both have ended; where the user does not, kills the program and returns False.

    Raises:
        KeyboardInterrupt: there is no user any more, and the program is killed.
    """
    try:
        watch.until(lambda: nsys.poll() is not None, "recording")
        watch.until(program.has_ended, "recorded; waiting for the program to end")
    except KeyboardInterrupt:
        program.send(signal.SIGKILL)
        if stop.hung_up:
            raise
        with suppress(subprocess.TimeoutExpired):
            nsys.wait(_PATIENCE_S)
        return False
    return True


def _stream(number: int) -> int | None:
    """What a child gets for one of our standard streams: the same one, or nothing where ours is closed."""
    try:
        os.fstat(number)
    except OSError:
        return subprocess.DEVNULL
    return None


def _kill_processes_of_nsys(folder: Path) -> None:
    """Kills what nsys left running, its agent for one: all that has our folder for temporary files."""
    variable = f"TMPDIR={folder}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if variable in file.read_bytes().split(b"\0"):
                os.kill(int(file.parent.name), signal.SIGKILL)


class _Watch:
    """Waits, passes the wish to stop on once, and says now and then that it still waits."""

    def __init__(self, stop: StopRequest, progress: Progress, pass_on: Callable[[], None]) -> None:
        self._stop = stop
        self._progress = progress
        self._pass_on = pass_on
        self._passed_on = False

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Waits for `done`."""
        start_s = time.monotonic()
        notice_s = _FIRST_NOTICE_S
        while not done():
            if self._stop.made and not self._passed_on:
                self._passed_on = True
                self._progress("finishing the capture and stopping the program; Ctrl-C again gives up")
                self._pass_on()
            if time.monotonic() - start_s > notice_s:
                self._progress(f"{what}, {notice_s} s so far")
                notice_s *= 2
            time.sleep(_POLL_S)


def _messages(log: Path) -> tuple[str, ...]:
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return ()
    # Progress bars are rewritten in place.
    lines = (line.strip() for line in text.replace("\r", "\n").splitlines())
    return tuple(line for line in lines if line and not _PROGRESS_BAR.search(line))
