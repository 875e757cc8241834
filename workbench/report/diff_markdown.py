"""Renders a comparison as the Markdown document that a kernel engineer would write."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from workbench.compare.comparison import Comparison
from workbench.compare.measurement import Kernel
from workbench.report import quantities
from workbench.report.diff import (
    MARK,
    UNKNOWN_ORIGIN,
    DiffOrigin,
    command,
    has_equal_totals,
    notice,
    step_of,
    title,
    verdict,
)
from workbench.report.diff_context import context, lead, limitations, overlap_sentence, phase_sentences
from workbench.report.diff_tables import (
    DiffTable,
    compared_rows,
    differs,
    phase_table,
    row_table,
    sides_table,
    step_table,
)
from workbench.report.diff_terms import diff_terms
from workbench.report.diff_totals import (
    call_table,
    kernel_table,
    memop_table,
    shown_labels,
    totals_table,
    unpaired_table,
)
from workbench.report.markdown import code_block, escape, link, markdown_table
from workbench.report.texts import cut_words

_LONGEST_WORD, _SHORTEST_WORD = 64, 12
# About what a page shows beside its menus, in characters, and what a column takes beside its words.
_PAGE_WIDTH, _BORDER = 110, 3


@dataclass(frozen=True)
class Section:
    """A part of the document: words, a table, and what is folded away below it."""

    title: str
    words: str
    table: DiffTable
    fold: str = ""
    folded: DiffTable | None = None


def to_markdown(comparison: Comparison, origin: DiffOrigin = UNKNOWN_ORIGIN, *, pictures: Sequence[str] = ()) -> str:
    """The comparison as a Markdown document.

    Args:
        comparison: what it says.
        origin: what was asked.
        pictures: file names of pictures that lie beside it.
    """
    environment = Environment(
        loader=PackageLoader("workbench.report"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"escape_md": escape, "link": link, "table": _markdown}
    labels = shown_labels(comparison)
    phases = phase_table(comparison)
    return environment.get_template("diff.md.j2").render(
        mark=MARK,
        notice=notice(comparison),
        title=title(comparison),
        verdict=verdict(comparison),
        lead=lead(comparison),
        context=context(comparison),
        pictures=pictures,
        sides=sides_table(comparison),
        phases=phases if phases.rows else None,
        not_compared=phase_sentences(comparison),
        sections=list(_sections(comparison, labels) if comparison.phases else _sections_of_tables(comparison, labels)),
        terms=diff_terms(comparison),
        limitations=limitations(comparison),
        reproduce=code_block(shlex.join([*command(comparison, origin), "-o", "DIFF.md"]), "sh"),
    )


def _markdown(table: DiffTable) -> str:
    """The table, with long words of its texts cut as far as a page needs it: no browser breaks a line in a word."""
    words = [
        max(len(word) for row in (table.headings, *table.rows) for word in row[column].split() or [""])
        for column in range(len(table.headings))
    ]
    limits = range(_LONGEST_WORD, _SHORTEST_WORD, -1)
    limit = next((limit for limit in limits if _width(words, table.texts, limit) <= _PAGE_WIDTH), _SHORTEST_WORD)
    rows = [
        [cut_words(cell, limit) if column < table.texts else cell for column, cell in enumerate(row)]
        for row in table.rows
    ]
    return markdown_table(table.headings, rows, numbers_from=table.texts)


def _width(words: Sequence[int], texts: int, limit: int) -> int:
    """How many characters wide a table is at least, borders included."""
    return sum(_BORDER + (min(word, limit) if column < texts else word) for column, word in enumerate(words))


def _sections(comparison: Comparison, labels: Mapping[Kernel, str]) -> Iterator[Section]:
    if comparison.is_without_difference:
        if not has_equal_totals(comparison):
            yield from _host_sections(comparison)
        return
    step, rows = step_of(comparison), compared_rows(comparison)
    if step:
        words = "Its parts add up to the step; so do their differences, but for what is unexplained."
        yield Section(f"A mean step of {comparison.focus}", words, step_table(step))
    differing, alike = [row for row in rows if differs(row)], [row for row in rows if not differs(row)]
    yield Section(
        "Busy time a step, by layer type and role",
        overlap_sentence(comparison) or ("" if differing else "No row shows a difference."),
        row_table(differing),
        f"{quantities.counted(len(alike), 'row')} without a difference that is shown",
        row_table(alike, with_smallest=True),
    )
    kernels = kernel_table(comparison, rows, labels)
    if kernels.rows:
        words = (
            "Calls and time a step, of kernels in rows that differ, and of those that are not the same on both sides."
        )
        yield Section("The kernels behind", words, kernels)
    unpaired = unpaired_table(comparison, labels)
    if unpaired.rows:
        words = (
            "These stand among the others as well. They are gone or new, or their work is done on the other side by a "
            "kernel that kept its name."
        )
        yield Section("Kernels without a partner", words, unpaired)
    yield from _host_sections(comparison)


def _host_sections(comparison: Comparison) -> Iterator[Section]:
    """What the host did in the steps, or in whole runs where nothing tells steps."""
    where = f" of {comparison.focus}'s steps" if comparison.phases else ""
    each = "a step" if comparison.phases else "a run"
    calls = comparison.step_calls if comparison.phases else comparison.calls or ()
    memops = comparison.step_memops if comparison.phases else comparison.memops or ()
    if calls:
        yield Section(f"API calls{where}", f"Calls and their time {each}.", call_table(comparison, calls))
    if memops:
        words = f"How many, their time on the GPU, and what they move, {each}."
        yield Section(f"Copies and memsets{where}", words, memop_table(comparison, memops))


def _sections_of_tables(comparison: Comparison, labels: Mapping[Kernel, str]) -> Iterator[Section]:
    alike = totals_table(comparison, labels, differing=False)
    yield Section(
        "Kernels",
        "Totals of whole runs.",
        totals_table(comparison, labels, differing=True),
        f"{quantities.counted(len(alike.rows), 'kernel')} with equal totals",
        alike,
    )
    yield from _host_sections(comparison)
