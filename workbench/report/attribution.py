"""Renders the answer to `wb attribute`."""

import csv
import io
import json
from collections.abc import Sequence

from rich.console import Console

from workbench.analysis.breakdown import Cell, KernelRow
from workbench.analysis.idle import IdleKind
from workbench.analysis.phases import PhaseSummary
from workbench.analysis.summary import AttributionSummary
from workbench.report import quantities
from workbench.report.capture import (
    SOURCES,
    capture_json,
    coverage_json,
    coverage_sentences,
    notice,
    notice_json,
    phase_json,
    totals_json,
)
from workbench.report.markdown import escape, markdown_table
from workbench.report.terminal import print_line, terminal_table
from workbench.report.terms import IDLE_NAMES

SCHEMA = "wb.attribution/1"
_STATISTICS = ("count", "total_ns", "share", "mean_ns", "median_ns", "min_ns", "max_ns")
_HEADINGS = ("count", "total", "share", "mean", "median", "min", "max")


def to_json(summary: AttributionSummary) -> str:
    """The summary as a JSON document of schema `wb.attribution/1`."""
    document = {
        **notice_json(summary.info),
        "schema": SCHEMA,
        "capture": capture_json(summary.info, summary.devices),
        "totals": totals_json(summary.totals),
        "coverage": coverage_json(summary.coverage),
        "phases": [phase_json(phase, summary.pids[phase.process]) for phase in summary.phases],
        "by": list(summary.keys),
        "phase_filter": summary.phase,
        "rows": [{**row.keys, **{name: getattr(row, name) for name in _STATISTICS}} for row in summary.rows],
        "memops": [
            {
                "phase": row.phase,
                "layer_type": row.layer_type,
                "kind": row.kind,
                "count": row.count,
                "bytes": row.bytes,
                "total_ns": row.total_ns,
            }
            for row in summary.memops
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def to_csv(summary: AttributionSummary) -> str:
    """The rows alone, with a header line; what is null is an empty field."""
    rows = [[*row.keys.values(), *(getattr(row, name) for name in _STATISTICS)] for row in summary.rows]
    return "".join(f"{_csv_line(row)}\n" for row in [[*summary.keys, *_STATISTICS], *rows])


def _csv_line(cells: Sequence[Cell | float]) -> str:
    # The writer quotes what holds a character of the line's end; names may hold either.
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def to_markdown(summary: AttributionSummary) -> str:
    """The summary as a Markdown document."""
    title = f"# Attribution of {escape(summary.info.file_name)}"
    first = [f"**{notice(summary.info)}**", ""] if notice(summary.info) else []
    parts = [*first, title, "", *coverage_sentences(summary.totals, summary.coverage)]
    parts += ["", "## Phases", "", markdown_table(*_phase_table(summary), numbers_from=1)]
    parts += ["", *_inferences(summary)] if _inferences(summary) else []
    title = "## Kernels" + (f" in {summary.phase}" if summary.phase else "")
    cells = [[*_key_cells(row), *_statistic_cells(row)] for row in summary.rows]
    parts += ["", title, "", markdown_table([*summary.keys, *_HEADINGS], cells, numbers_from=len(summary.keys))]
    if summary.memops:
        parts += ["", "## Copies and memsets", "", markdown_table(_MEMOP_HEADINGS, _memop_cells(summary), 3)]
    return "\n".join(parts) + "\n"


def print_tables(summary: AttributionSummary, console: Console) -> None:
    """Shows the summary in a terminal; where it is narrow, without medians and extremes."""
    statistics = len(_HEADINGS) if console.width >= _WIDE else _HEADINGS.index("mean") + 1
    headings = [*summary.keys, *_HEADINGS[:statistics]]
    cells = [[*_key_cells(row), *_statistic_cells(row)[:statistics]] for row in summary.rows]
    title = "Kernels" + (f" in {summary.phase}" if summary.phase else "")
    phases = terminal_table("Phases", *_phase_table(summary), texts=1, width=console.width)
    kernels = terminal_table(title, headings, cells, len(summary.keys), console.width)
    memops = terminal_table("Copies and memsets", _MEMOP_HEADINGS, _memop_cells(summary), 3, console.width)
    if notice(summary.info):
        print_line(console, notice(summary.info), style="bold")
    print_line(console, summary.info.file_name, style="bold")
    for sentence in coverage_sentences(summary.totals, summary.coverage):
        print_line(console, sentence)
    console.print()
    console.print(phases.text)
    for sentence in _inferences(summary):
        print_line(console, sentence, style="dim")
    console.print()
    console.print(kernels.text)
    if summary.memops:
        console.print()
        console.print(memops.text)
    if kernels.is_cut or statistics < len(_HEADINGS):
        print_line(console, "Cut to the terminal's width: `--format csv` shows all.", style="dim")
    elif phases.is_cut or (summary.memops and memops.is_cut):
        print_line(console, "Cut to the terminal's width: `--format markdown` shows all.", style="dim")


def warnings(summary: AttributionSummary) -> list[str]:
    """What a reader of the rows could take for something else, a sentence each."""
    phases = {phase.phase for phase in summary.phases if phase.steps}
    mixes_phases = "step" in summary.keys and "phase" not in summary.keys and summary.phase is None
    if not mixes_phases or len(phases) < 2:
        return []
    return ["steps of different phases share numbers; add phase to --by, or give --phase"]


_WIDE = 110
_MEMOP_HEADINGS = ("phase", "layer_type", "kind", "count", "bytes", "total")


def _phase_table(summary: AttributionSummary) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: wall time, and what adds up to it, of idle time the kinds that occur."""
    kinds = [kind for kind in IdleKind if any(phase.idle_ns[kind] for phase in summary.phases)]
    headings = ["phase", "steps", "wall", "busy", *(IDLE_NAMES[kind.label] for kind in kinds)]
    return headings, [_phase_row(summary, phase, kinds) for phase in summary.phases]


def _phase_row(summary: AttributionSummary, phase: PhaseSummary, kinds: Sequence[IdleKind]) -> list[str]:
    times = [phase.wall_ns, phase.busy_ns, *(phase.idle_ns[kind] for kind in kinds)]
    return [
        phase_name(summary, phase),
        str(phase.steps or "-"),
        *(quantities.time(time_ns) if time_ns else "-" for time_ns in times),
    ]


def phase_name(summary: AttributionSummary, phase: PhaseSummary) -> str:
    """The phase, with its process where there are several."""
    several = len({entry.process for entry in summary.phases}) > 1
    return f"{phase.phase} (pid {summary.pids[phase.process]})" if several else phase.phase


def _inferences(summary: AttributionSummary) -> list[str]:
    """A sentence for each phase whose steps no range told."""
    return [
        f"The steps of {phase_name(summary, phase)} are {SOURCES[phase.steps_source]}."
        for phase in summary.phases
        if phase.steps_source and phase.steps_source != "ranges"
    ]


def _memop_cells(summary: AttributionSummary) -> list[list[str]]:
    return [
        [
            row.phase,
            row.layer_type or "-",
            row.kind,
            quantities.count(row.count),
            quantities.size(row.bytes),
            quantities.time(row.total_ns),
        ]
        for row in summary.memops
    ]


def _key_cells(row: KernelRow) -> list[str]:
    return ["-" if value is None else str(value) for value in row.keys.values()]


def _statistic_cells(row: KernelRow) -> list[str]:
    times = (row.mean_ns, row.median_ns, row.min_ns, row.max_ns)
    return [
        quantities.count(row.count),
        quantities.time(row.total_ns),
        quantities.share(row.share),
        *(quantities.time(time_ns) for time_ns in times),
    ]
