import io
import sys

import pytest

from workbench.cli.console import output_console


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _of_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_what_is_no_terminal_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    output_console().print("w" * 5000)
    assert sys.stdout.getvalue() == "w" * 5000 + "\n"


def test_a_terminal_gets_lines_of_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert output_console().width < 1000


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_columns_say_the_width_of_either(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]) -> None:
    monkeypatch.setattr(sys, "stdout", stream())
    monkeypatch.setenv("COLUMNS", "72")
    assert output_console().width == 72
