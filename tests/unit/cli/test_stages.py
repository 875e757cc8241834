import io
import sys

import pytest

from workbench.cli.stages import Stages, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_where_nobody_looks_every_stage_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages() as stages:
        stages("run 1 of 2: exporting")
        stages("scrubbing")
    assert capsys.readouterr().err == "wb: run 1 of 2: exporting\nwb: scrubbing\n"


def test_on_a_terminal_a_stage_of_ours_moves_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Stages() as stages:
        stages("run 1 of 2: exporting")
        assert stages._status is not None
        stages("recording with nsys 2025.3")
        assert stages._status is None
        stages("scrubbing")
    assert stages._status is None
    assert "wb: recording with nsys 2025.3\n" in sys.stderr.getvalue()


def test_nobody_need_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    say("something")
    say("something else")
