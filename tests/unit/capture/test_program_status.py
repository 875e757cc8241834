import signal
import subprocess
from pathlib import Path

import pytest

from workbench.capture.program_status import ProgramStatus


@pytest.fixture
def status(tmp_path: Path) -> ProgramStatus:
    return ProgramStatus(tmp_path / "status")


def test_before_the_start(status: ProgramStatus) -> None:
    assert (status.process_id, status.exit_code, status.has_ended()) == (None, None, True)
    status.send(signal.SIGKILL)


def test_while_it_runs_and_after_a_signal(status: ProgramStatus) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        status.file.write_text(f"{process.pid}\n")
        assert (status.process_id, status.exit_code, status.has_ended()) == (process.pid, None, False)
        status.send(signal.SIGKILL)
        # Nobody has asked for its exit code yet: until then it is a zombie.
        while not status.has_ended():
            pass
        assert process.wait() == -signal.SIGKILL
    assert status.has_ended()
    status.send(signal.SIGKILL)


def test_after_its_end(status: ProgramStatus) -> None:
    status.file.write_text("1\n7\n")
    assert (status.process_id, status.exit_code, status.has_ended()) == (1, 7, True)
