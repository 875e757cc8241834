import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.report.odd_captures import NAMES
from workbench.report.terminal import print_line, terminal_table

HEADINGS = ("kernel", "range", "count", "total")
ROWS = [["a_rather_long_kernel_name", "model.layers.3.mlp", "12 345", "4.91 ms"], ["k", "-", "1", "52 ns"]]


def lines(width: int, rows: list[list[str]] = ROWS) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(terminal_table("Kernels", HEADINGS, rows, texts=2, width=width).text)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_texts_stand_to_the_left_and_numbers_to_the_right() -> None:
    assert lines(80) == [
        "Kernels",
        "kernel                     range                count    total",
        "a_rather_long_kernel_name  model.layers.3.mlp  12 345  4.91 ms",
        "k                          -                        1    52 ns",
    ]


def test_where_it_is_narrow_the_longest_texts_are_cut() -> None:
    # The numbers take 13 columns and the gaps 6, so of 50 there are 31 left for two texts: 15 each.
    assert lines(50)[1:] == [
        "kernel           range             count    total",
        "a_rather_long_…  model.layers.3…  12 345  4.91 ms",
        "k                -                     1    52 ns",
    ]


def test_a_short_text_keeps_its_width_while_a_long_one_is_cut() -> None:
    assert lines(40, [["w" * 100, "short", "1", "2"]])[2] == "w" * 18 + "…  short      1      2"


WORDY = ("phase", "wall", "waiting for launches", "launch unknown")


def test_headings_of_numbers_are_broken_at_words_before_anything_is_cut() -> None:
    row = ["decode (pid 4711)", "4.91 ms", "20.3 ms", "-"]
    assert terminal_table("Phases", WORDY, [row], texts=1, width=70).text.plain.splitlines()[1:] == [
        "phase                 wall  waiting for launches  launch unknown",
        "decode (pid 4711)  4.91 ms               20.3 ms               -",
    ]
    assert terminal_table("Phases", WORDY, [row], texts=1, width=46).text.plain.splitlines()[1:] == [
        "                             waiting",
        "                                 for   launch",
        "phase                 wall  launches  unknown",
        "decode (pid 4711)  4.91 ms   20.3 ms        -",
    ]


def test_a_table_knows_whether_it_is_cut() -> None:
    assert [terminal_table("t", HEADINGS, ROWS, texts=2, width=width).is_cut for width in (80, 50, 28)] == [
        False,
        True,
        True,
    ]
    assert not terminal_table("t", WORDY, [["p", "1", "2", "3"]], texts=1, width=40).is_cut


def test_numbers_are_never_cut_but_left_out_from_the_right() -> None:
    assert lines(28) == [
        "Kernels (without total: the ",
        "terminal is narrow)",
        "kernel     range       count",
        "a_rather…  model.la…  12 345",
        "k          -               1",
    ]


@pytest.mark.parametrize("width", [12, 20, 28, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = [[name, name, "12 345", "4.91 ms"] for name in NAMES]
    assert max(map(cell_len, lines(width, rows))) <= width


def test_wide_characters_count_twice() -> None:
    table = lines(60, [["核" * 40, "-", "1", "52 ns"], ["k", "-", "1", "52 ns"]])
    assert cell_len(table[2]) == cell_len(table[3]) <= 60


def test_names_cannot_steer_the_terminal() -> None:
    text = "\n".join(lines(200, [["\x1b[2Jgone\nnew line", "\x07", "1", "1"]]))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "gone new line" in text


def test_markup_in_names_is_text() -> None:
    assert lines(80, [["[bold]k[/bold]", "-", "1", "1"]])[2].startswith("[bold]k[/bold]")


def test_a_table_without_rows_is_its_headings() -> None:
    assert lines(80, []) == ["Kernels", "kernel  range  count  total"]


def test_a_line_is_broken_at_words() -> None:
    console = Console(file=io.StringIO(), width=20)
    print_line(console, "[x] one two three\nfour five six")
    assert console.file.getvalue().splitlines() == ["[x] one two three ", "four five six"]  # type: ignore[attr-defined]


def test_rows_have_the_styles_that_they_are_given() -> None:
    text = terminal_table("Kernels", HEADINGS, ROWS, texts=2, width=80, styles=["green", ""]).text
    green = [text.plain[span.start : span.end] for span in text.spans if span.style == "green"]
    assert [line.split()[0] for line in green] == ["a_rather_long_kernel_name"]
