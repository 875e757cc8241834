import pytest

from tests.unit.report.odd_captures import NAMES
from workbench.report.texts import cut, cut_words, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("q_proj", "q_proj"),
        ("line\nbreak\r\nand\ttab", "line break and tab"),
        ("  spaces   between ", "spaces between"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("null\x00bell\x07", "null\ufffdbell\ufffd"),
        ("right\u202eto left", "right\ufffdto left"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("Größe 核 µs", "Größe 核 µs"),
        ("", ""),
    ],
)
def test_a_name_is_shown_on_one_line_without_control_characters(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_can_be_printed(name: str) -> None:
    assert one_line(name).isprintable()


def test_long_texts_are_cut_and_say_so() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"


def test_only_long_words_are_cut() -> None:
    assert cut_words("a short_one and a_long_one here", 9) == "a short_one and a_long_o… here"
