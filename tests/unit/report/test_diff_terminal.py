import io
import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.report.comparisons import (
    COMPARISONS,
    ENGINE,
    compared,
    faster,
    itself,
    many_parts,
    names_of_all_kinds,
    one_a_side,
    overlapping,
    side,
    slower,
    tables,
)
from workbench.compare.comparison import Comparison
from workbench.recorders import CPU_NOTICE, ENGINE_CPU
from workbench.report.diff import DiffOrigin, verdict
from workbench.report.diff_context import lead, overlap_sentence
from workbench.report.diff_terminal import MOST_ROWS, print_diff


def printed(comparison: Comparison, width: int = 120, *, is_colourful: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=is_colourful, color_system="standard" if is_colourful else None
    )
    print_diff(comparison, console, DiffOrigin("a", "b"))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    assert max(map(cell_len, printed(COMPARISONS[name](), width).splitlines())) <= width


def test_no_name_steers_the_terminal() -> None:
    text = printed(names_of_all_kinds())
    assert all(character == "\n" or character.isprintable() for character in text)


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_title_is_followed_by_the_verdict_and_the_results(name: str) -> None:
    comparison = COMPARISONS[name]()
    lines = printed(comparison, 2000).splitlines()
    assert lines[1:3] == [verdict(comparison), lead(comparison)[0]]


def test_times_of_a_cpu_are_told_first() -> None:
    cpu = side("s", itself().before.captures, ENGINE.__class__(recorder=ENGINE_CPU))
    assert printed(compared(cpu, cpu)).startswith(CPU_NOTICE)


@pytest.mark.parametrize(("build", "colour"), [(faster, "32"), (slower, "31")])
def test_good_and_bad_have_colours(build: Callable[[], Comparison], colour: str) -> None:
    text = printed(build(), 400, is_colourful=True)
    assert f"\x1b[1;{colour}m{verdict(build())}" in text
    (row,) = re.findall(r"\x1b\[(\d+)mdecode +attention +softmax +", text)
    assert row == colour


def test_what_cannot_be_judged_has_no_colour() -> None:
    text = printed(one_a_side(), 400, is_colourful=True)
    assert "\x1b[32m" not in text
    assert "\x1b[31m" not in text


def test_what_is_the_same_is_told_without_tables() -> None:
    text = printed(itself())
    assert "A mean step" not in text
    assert "Kernel time" not in text
    assert "Nothing differs" in text


def test_at_most_some_rows_of_each_table_are_shown_and_the_others_counted() -> None:
    lines = printed(many_parts()).splitlines()
    at = lines.index("Busy time a step")
    # 60 layer types, of which one takes as long as before.
    assert lines[at + 2 + MOST_ROWS] == f"{59 - MOST_ROWS} rows more: see --format markdown."
    step = lines[lines.index("A mean step of decode") + 2 :]
    assert step[MOST_ROWS - 1].startswith("mean step ")
    assert step[MOST_ROWS] == ""


def test_of_tables_of_sums_totals_are_shown() -> None:
    lines = printed(tables()).splitlines()
    assert any(re.match(r"gemv +same +100 +900 µs +800 µs +-100 µs +-11\.1 %", line) for line in lines)
    assert "API calls" in lines
    assert not any(line.startswith("A mean step") for line in lines)


def test_that_rows_mislead_is_told_above_them() -> None:
    text = printed(overlapping(), 1000)
    assert text.index(overlap_sentence(overlapping())) < text.index("Busy time a step\n")


def test_it_ends_with_the_command_that_writes_a_report() -> None:
    assert printed(faster()).splitlines()[-1] == "wb diff a b -o FILE.md: the whole report."
