import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from workbench.capture import plain_run
from workbench.capture.interrupts import StopRequest
from workbench.capture.plain_run import run_plainly

_UNTIL_INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, {handler})
open(sys.argv[1], "w").close()
time.sleep(60)
"""


def test_a_program_runs_to_its_end() -> None:
    run = run_plainly(["sh", "-c", "exit $CODE"], environment={"CODE": "3", "PATH": os.defpath}, stop=StopRequest())
    assert (run.exit_code, run.interrupted) == (3, False)


def test_a_signal_is_an_exit_code_as_shells_give_it() -> None:
    run = run_plainly(["sh", "-c", "kill -9 $$"], environment={"PATH": os.defpath}, stop=StopRequest())
    assert run.exit_code == 137


@pytest.mark.parametrize(("handler", "code"), [("lambda *_: sys.exit(7)", 7), ("signal.SIG_IGN", 137)])
def test_a_wish_to_stop_is_passed_on_once_and_then_enforced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: str, code: int
) -> None:
    monkeypatch.setattr(plain_run, "_PATIENCE_S", 0.5)
    stop, ready = StopRequest(), tmp_path / "ready"

    def ask() -> None:
        while not ready.exists():
            time.sleep(0.01)
        stop.made = True

    asking = threading.Thread(target=ask)
    asking.start()
    script = _UNTIL_INTERRUPTED.format(handler=handler)
    run = run_plainly([sys.executable, "-c", script, str(ready)], environment=os.environ, stop=stop)
    asking.join()
    assert (run.exit_code, run.interrupted) == (code, True)


def test_whoever_does_not_wait_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = plain_run.subprocess.Popen

    def note(*arguments: object, **options: object) -> object:
        started.append(start(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plain_run.subprocess, "Popen", note)
    monkeypatch.setattr(plain_run.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_plainly(["sleep", "60"], environment=os.environ, stop=StopRequest())
    assert started[0].returncode == -signal.SIGKILL
