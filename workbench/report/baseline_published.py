"""The table that a README shows: one row a model and baseline, with the conditions under which it was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console

from workbench.gate.measured import MeasuredModel
from workbench.report.baseline_tables import rate_text
from workbench.report.diff_tables import NOTHING, DiffTable
from workbench.report.markdown import escape, markdown_table
from workbench.report.terminal import print_line, terminal_table

# A line by which the document is known as ours.
MARK = "wb.baseline_table/1, written by wb baseline table"
_SHA_SHOWN = 10
_TITLE = "Measured speed, tokens a second"


class Age(StrEnum):
    """How a row's code relates to the current one."""

    CURRENT = "current"
    STALE = "stale"
    CHANGED = "uncommitted changes"
    UNKNOWN = "unknown"


_AGES = {
    Age.STALE: "Stale: the engine or its kernels are not what they were at that commit; measure again.",
    Age.CHANGED: "Uncommitted changes: the code was not what its commit says; measure a commit.",
    Age.UNKNOWN: "Unknown: the row tells no commit, or none that this repository has.",
}


@dataclass(frozen=True)
class PublishedRow:
    """What was measured of a model, and whether that is still of the current code."""

    measured: MeasuredModel
    age: Age


def published_table(rows: Sequence[PublishedRow]) -> DiffTable:
    """Speeds first, then what they rest on; a bench that a row does not have is a `-`."""
    benches = _benches(rows)
    headings = (
        "model", "weights", "GPU", "code", *(bench.replace(".", " ") for bench in benches), "graphs", "processes",
        "driver", "date", "commit",
    )  # fmt: skip
    return DiffTable(headings, tuple(_cells(row, benches) for row in rows), 4, (None,) * len(rows))


def published_markdown(rows: Sequence[PublishedRow]) -> str:
    """The table as a Markdown document; the mark stands last."""
    table = published_table(rows)
    parts = [
        f"{_TITLE}: medians over processes.",
        markdown_table(table.headings, table.rows, table.texts),
        *([" ".join(map(escape, _remarks(rows)))] if any(_remarks(rows)) else []),
        f"<!-- {MARK} -->",
    ]
    return "\n\n".join(parts) + "\n"


def print_published(rows: Sequence[PublishedRow], console: Console) -> None:
    """Shows the table in a terminal."""
    table = published_table(rows)
    styles = ["" if row.age is Age.CURRENT else "yellow" for row in rows]
    console.print(terminal_table(_TITLE, table.headings, table.rows, table.texts, console.width, styles).text)
    for remark in _remarks(rows):
        print_line(console, remark, style="dim")


def _benches(rows: Sequence[PublishedRow]) -> list[str]:
    """The benches of all rows, prefill before decode, short before long; without those that only serve comparison."""
    found = {
        (number.phase == "decode", number.depth, number.tokens): number.name
        for row in rows
        for number in row.measured.numbers
        if not number.name.endswith(".graphs_off")
    }
    return [found[key] for key in sorted(found)]


def _cells(row: PublishedRow, benches: Sequence[str]) -> tuple[str, ...]:
    measured, made_of = row.measured, row.measured.fingerprint
    numbers = [measured.number(bench) for bench in benches]
    graphs = {number.graphs for number in numbers if number and number.phase == "decode"}
    processes = sorted({len(number.samples_ns) for number in measured.numbers})
    variants = f" ({', '.join(measured.request.variants)})" if measured.request.variants else ""
    return (
        (made_of.model or measured.request.model) + variants,
        made_of.weights or NOTHING,
        made_of.gpu or NOTHING,
        str(row.age),
        *(NOTHING if number is None else rate_text(number) for number in numbers),
        "on" if graphs == {True} else "off" if graphs == {False} else NOTHING,
        " to ".join(map(str, dict.fromkeys([processes[0], processes[-1]]))) if processes else NOTHING,
        made_of.driver or NOTHING,
        measured.measured_utc[:10],
        made_of.commit[:_SHA_SHOWN] if made_of.commit else NOTHING,
    )


def _remarks(rows: Sequence[PublishedRow]) -> Iterator[str]:
    ages = {row.age for row in rows}
    yield from (text for age, text in _AGES.items() if age in ages)
