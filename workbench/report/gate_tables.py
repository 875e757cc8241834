"""The table of a gate, as texts that people read."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.gate.verdict import GateReport, Line, Status
from workbench.report import quantities
from workbench.report.gate import gate_name

NOTHING = "-"
_HEADINGS = ("model", "gate", "what", "answer", "baseline", "now", "change", "interval", "could show")
_TEXTS = 4


@dataclass(frozen=True)
class GateTable:
    """A table: the first `texts` columns hold words; of each row what became of it."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int
    statuses: tuple[Status, ...]


def gate_table(report: GateReport) -> GateTable:
    """All lines of all gates; a gate without lines has one of its own.

    The column of models is left out where there is one only.
    """
    found = list(_rows(report))
    first = 0 if len(report.models) > 1 else 1
    return GateTable(
        _HEADINGS[first:],
        tuple(cells[first:] for cells, _ in found),
        _TEXTS - first,
        tuple(status for _, status in found),
    )


def line_sentences(report: GateReport) -> list[tuple[Status, str]]:
    """What lines have to say beside their numbers, and their gate does not say for them."""
    several = len(report.models) > 1
    return [
        (line.status, f"{f'{model.model}, ' if several else ''}{gate_name(gate.gate)}, {line.name}: {line.sentence}")
        for model in report.models
        for gate in model.gates
        for line in gate.lines
        if line.sentence and line.sentence not in gate.sentence
    ]


def value_text(value: float | None, unit: str) -> str:
    """A value of a line in its unit."""
    if value is None:
        return NOTHING
    match unit:
        case "ns":
            return quantities.time(value)
        case "bytes":
            return quantities.size(value)
        case "ratio":
            return f"{value:.2f}"
        case "calls":
            return quantities.count(value)
        case _:
            return f"{value:.4g}"


def _rows(report: GateReport) -> Iterator[tuple[tuple[str, ...], Status]]:
    for model in report.models:
        for gate in model.gates:
            for line in gate.lines or (Line("", gate.status, None, None, ""),):
                yield (model.model, gate_name(gate.gate), line.name or NOTHING, *_cells(line)), line.status


def _cells(line: Line) -> tuple[str, ...]:
    return (
        str(line.status),
        value_text(line.baseline, line.unit),
        value_text(line.now, line.unit),
        NOTHING if line.change is None else quantities.change(line.change),
        NOTHING if line.interval is None else quantities.interval(*map(quantities.change, line.interval)),
        NOTHING if line.smallest is None else quantities.share(line.smallest),
    )
