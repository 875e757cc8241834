"""Starts the engine in a process of its own, which ends no later than whoever started it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

_PACKAGE_FOLDER = str(Path(__file__).parents[2])


def engine_process(arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    """Runs the engine with such arguments; what it printed, once it has ended."""
    environment = engine_environment(os.environ)
    with _exit_on_signals():
        return subprocess.run(engine_command(arguments), stdout=subprocess.PIPE, check=False, env=environment)


def engine_command(arguments: Sequence[str]) -> list[str]:
    """The command line that starts the engine with such arguments; in `engine_environment`."""
    # With -P the current folder may hold whatever it likes under the name of a module.
    return [sys.executable, "-P", "-m", "engine", *arguments]


def engine_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Python finds this very package, wherever it was found here."""
    path = os.pathsep.join(filter(None, (_PACKAGE_FOLDER, ours.get("PYTHONPATH", ""))))
    return {**ours, "PYTHONPATH": path}


@contextmanager
def _exit_on_signals() -> Iterator[None]:
    """Turns the signals that would end this process on the spot into an exit, which ends a child first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in signals:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
