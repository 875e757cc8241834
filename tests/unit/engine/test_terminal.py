import errno
import io
import os
import sys

import pytest

from engine.errors import EngineError
from engine.terminal import harmless, print_remark, print_text, sentence, shown_progress, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_would_steer_a_terminal_is_spelled_out() -> None:
    assert harmless("\x1b[31mred\x07\r") == "\\x1b[31mred\\x07\\x0d"
    assert harmless("\x9b2J\x7f\x00") == "\\x9b2J\\x7f\\x00"
    assert harmless("a\u202eb\u2028\ufeff") == "a\\u202eb\\u2028\\ufeff"
    assert harmless("\U000e0041\ud800") == "\\U000e0041\\ud800"


def test_what_is_text_stays() -> None:
    text = "Zwölf\tBoxkämpfer\n日本語 👩\u200d💻 \\x1b"
    assert harmless(text) == text


def test_lines_are_told_when_stages_begin_and_end() -> None:
    stream = io.StringIO()
    with shown_progress(stream) as progress:
        for done in range(4):
            progress("loading layers", done, 3)
        progress("warming up", 0, 1)
        progress("warming up", 1, 1)
    assert stream.getvalue() == "loading layers ...\nloading layers: done (3)\nwarming up ...\nwarming up: done\n"


def test_bars_are_shown_on_a_terminal_and_taken_away() -> None:
    stream = Terminal()
    with shown_progress(stream) as progress:
        progress("loading layers", 0, 3)
        progress("loading layers", 3, 3)
        progress("warming up", 0, 1)
        progress("warming up", 1, 1)
    assert "loading layers" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_tables_align_texts_left_and_numbers_right() -> None:
    assert table(("name", "n"), [("a", "10"), ("long name", "7")], 1) == "name        n\na          10\nlong name   7\n"


class Full(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, _text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def test_a_sentence_is_one_harmless_line_of_some_length() -> None:
    assert sentence("no\x1b[31m\n model") == "no\\x1b[31m model"
    assert len(sentence("a" * 10_000)) < 1000


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "no space left"), (errno.EFBIG, "File too large"), (errno.EIO, "output error")],
)
def test_output_that_cannot_be_written_is_one_sentence(
    number: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Full(number))
    with pytest.raises(EngineError, match=rf"the output cannot be written \(.*{reason}\); print it elsewhere"):
        print_text("a")


def test_whoever_has_read_enough_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full(errno.EPIPE))
    with pytest.raises(BrokenPipeError):
        print_text("a")


def test_remarks_that_nobody_can_read_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    print_remark("a", Full(errno.ENOSPC))
    monkeypatch.setattr(sys, "stderr", None)
    print_remark("a")
    with shown_progress() as progress:
        progress("loading", 0, 2)
