import re
import shlex

import pytest

from tests.unit.report.comparisons import (
    COMPARISONS,
    ENGINE,
    compared,
    faster,
    itself,
    overlapping,
    phases_of_one_side,
    side,
    unshown,
)
from tests.unit.report.comparisons import (
    tables as tables_of_sums,
)
from tests.unit.report.rendered import cell_counts, code_blocks, html, inline_text, least_width, pictures, tables
from workbench.compare.comparison import Comparison
from workbench.recorders import CPU_NOTICE, ENGINE_CPU
from workbench.report.diff import MARK, DiffOrigin, title, verdict
from workbench.report.diff_context import context, lead, limitations, overlap_sentence, phase_sentences
from workbench.report.diff_markdown import to_markdown
from workbench.report.diff_terms import diff_terms
from workbench.report.markdown import escape

# About what a page shows beside its menus.
PAGE_CHARACTERS = 110


@pytest.fixture(params=COMPARISONS)
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """Each comparison in turn."""
    return COMPARISONS[request.param]()


def lines(comparison: Comparison) -> list[str]:
    """What a reader sees, line by line."""
    return [inline_text(line) for line in to_markdown(comparison).splitlines()]


def headings(comparison: Comparison) -> list[str]:
    return [line.removeprefix("## ") for line in to_markdown(comparison).splitlines() if line.startswith("## ")]


def test_tables_are_well_formed(comparison: Comparison) -> None:
    assert all(len(counts) == 1 for counts in cell_counts(to_markdown(comparison)))


def test_tables_are_read_without_sideways_scrolling(comparison: Comparison) -> None:
    for table in tables(to_markdown(comparison)):
        assert least_width(table) <= PAGE_CHARACTERS, table[0]


def test_no_name_becomes_html(comparison: Comparison) -> None:
    found = {tag for tag in html(to_markdown(comparison)) if not re.match(r"<details><summary>\d+ \w+ with", tag)}
    assert found <= {f"<!-- {MARK} -->", "</details>"}


def test_the_title_is_followed_by_the_verdict_and_what_it_rests_on(comparison: Comparison) -> None:
    text = [line for line in lines(comparison) if line]
    assert text[0] == f"# Before and after: {title(comparison)}"
    assert text[1] == verdict(comparison)
    told = [*lead(comparison), *(f"- {sentence}" for sentence in context(comparison))]
    assert text[2 : 2 + len(told)] == told


def test_times_of_a_cpu_are_told_first() -> None:
    cpu = side("s", itself().before.captures, ENGINE.__class__(recorder=ENGINE_CPU))
    assert to_markdown(compared(cpu, cpu)).startswith(f"**{CPU_NOTICE}**\n")


def test_every_term_is_defined_and_every_limitation_told(comparison: Comparison) -> None:
    markdown = to_markdown(comparison)
    for term, meaning in diff_terms(comparison):
        assert markdown.count(f"- **{term}**: {escape(meaning)}\n") == 1
    for sentence in limitations(comparison):
        assert inline_text(f"- {sentence}") in lines(comparison)


def test_a_comparison_has_its_sections() -> None:
    assert headings(faster()) == [
        "The two sides",
        "A mean step of decode",
        "Busy time a step, by layer type and role",
        "The kernels behind",
        "Kernels without a partner",
        "API calls of decode's steps",
        "Copies and memsets of decode's steps",
        "How to read this",
        "Limitations",
        "How to reproduce",
    ]


def test_rows_without_a_difference_are_folded_away() -> None:
    markdown = to_markdown(faster())
    shown, folded = [table for table in tables(markdown) if table[0][:2] == ["phase, layer type, role", "verdict"]]
    assert [row[0].rpartition(" ")[2] for row in shown[1:]] == ["softmax", "down_proj", "up_proj"]
    assert [row[0].rpartition(" ")[2] for row in folded[1:]] == ["qkv_proj", "norm", "down_proj"]
    assert "<details><summary>3 rows without a difference that is shown</summary>" in markdown
    assert "No row shows a difference." in to_markdown(unshown())


def test_of_equal_sides_there_is_nothing_but_that() -> None:
    assert headings(itself()) == ["The two sides", "How to read this", "Limitations", "How to reproduce"]


def test_of_tables_of_sums_there_are_totals() -> None:
    assert headings(tables_of_sums())[1:4] == ["Kernels", "API calls", "Copies and memsets"]
    (kernels,) = [table for table in tables(to_markdown(tables_of_sums())) if table[0][0] == "kernel"]
    assert [row[:2] for row in kernels[1:]] == [["gemv", "same"], ["gone", "only before"]]


def test_what_is_not_compared_and_what_misleads_is_told() -> None:
    for sentence in phase_sentences(phases_of_one_side()):
        assert f"- {sentence}" in lines(phases_of_one_side())
    assert overlap_sentence(overlapping()) in lines(overlapping())


def test_pictures_stand_where_they_are_said_to_be() -> None:
    assert pictures(to_markdown(faster())) == []
    assert pictures(to_markdown(faster(), pictures=["my diff.svg"])) == ["my%20diff.svg"]


def test_the_command_makes_it_again() -> None:
    (code,) = code_blocks(to_markdown(faster(), DiffOrigin("a b", "c", ("r.yaml",))), "sh")
    assert shlex.split(code) == ["wb", "diff", "a b", "c", "--rules", "r.yaml", "-o", "DIFF.md"]


def test_it_bears_the_mark_by_which_it_is_known(comparison: Comparison) -> None:
    assert to_markdown(comparison).splitlines()[-1] == f"<!-- {MARK} -->"
