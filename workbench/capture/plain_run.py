"""Runs a program as it is, with our own standard streams, and stops it when the user asks."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from workbench.capture.interrupts import StopRequest
from workbench.capture.supervise import Run

_POLL_S = 0.02
_PATIENCE_S = 10


def run_plainly(program: Sequence[str], *, environment: Mapping[str, str], stop: StopRequest) -> Run:
    """Runs a program to its end.

    A wish to stop is passed on as a Ctrl-C; a program that does not end by it is killed.

    Args:
        program: the program and its arguments; it can type nothing in.
        environment: the program's.
        stop: the user's wish to stop.

    Raises:
        KeyboardInterrupt: the user did not wait for it to end; it is killed.
    """
    start_s = time.monotonic()
    # In a group of its own it gets a Ctrl-C once, from us, and not from the terminal besides.
    process = subprocess.Popen(program, env=dict(environment), stdin=subprocess.DEVNULL, process_group=0)
    try:
        while process.poll() is None:
            if stop.made:
                _end(process)
            time.sleep(_POLL_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    code = process.returncode
    return Run(
        started=True,
        exit_code=code if code >= 0 else 128 - code,
        interrupted=stop.made,
        gave_up=False,
        duration_s=round(time.monotonic() - start_s, 3),
        messages=(),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
