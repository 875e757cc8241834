"""What the renderings of a findings report have in common: how findings, gains and evidence are worded."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.phases import PhaseSummary
from workbench.analysis.step_profile import StepProfile
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Cell, Evidence, Finding, Gain
from workbench.report import units
from workbench.report.capture import IDLE_NAMES
from workbench.report.texts import cut, one_line

SCHEMA = "wb.findings/1"
# A line by which a file is known to be ours, and may be written again.
MARK = "written by wb findings"
LONGEST_NAME = 64


@dataclass(frozen=True)
class Entry:
    """A finding with its number and what its target measures now."""

    number: str
    finding: Finding
    measured: float | None


def entries(document: FindingsDocument) -> list[Entry]:
    """The findings, numbered in their order."""
    return [
        Entry(f"F{number}", finding, measured)
        for number, (finding, measured) in enumerate(zip(document.findings.findings, document.measured, strict=True), 1)
    ]


def gain_sentence(gain: Gain | None) -> str:
    """A predicted gain in words."""
    if gain is None:
        return "cannot be said: it makes other findings possible"
    share = [part_ns / gain.step_ns if gain.step_ns else 0.0 for part_ns in (gain.low_ns, gain.high_ns)]
    return (
        f"{units.time(gain.low_ns)} to {units.time(gain.high_ns)} off a step of {units.time(gain.step_ns)} "
        f"({units.share(share[0])} to {units.share(share[1])})"
    )


def gain_short(gain: Gain | None) -> str:
    """A predicted gain for a table, in parts of the step."""
    if gain is None:
        return "-"
    low, high = (
        units.share(part_ns / gain.step_ns if gain.step_ns else 0.0) for part_ns in (gain.low_ns, gain.high_ns)
    )
    return f"{low} to {high}"


def cell(column: str, value: Cell) -> str:
    """A cell of evidence as people read it; the column's name says its unit."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return cut(one_line(value), LONGEST_NAME)
    if column.endswith("_ns"):
        return units.time(value)
    if column.startswith("share"):
        return units.share(value)
    if column == "bytes":
        return units.size(value)
    if column == "pageable":
        return "yes" if value else "no"
    return units.count(value)


def heading(column: str) -> str:
    """A column's heading: its name without the unit, which the cells carry."""
    return column.removesuffix("_ns").replace("_", " ")


def evidence_cells(evidence: Evidence) -> list[list[str]]:
    """The rows of evidence as people read them."""
    return [[cell(column, value) for column, value in zip(evidence.columns, row, strict=True)] for row in evidence.rows]


def text_columns(evidence: Evidence) -> int:
    """How many columns, from the left, hold text."""
    row: Sequence[Cell] = evidence.rows[0] if evidence.rows else ()
    return next((number for number, value in enumerate(row) if not isinstance(value, str)), len(row))


def verdict(document: FindingsDocument) -> list[str]:
    """Each phase's median step in one sentence: how long, how busy, what it mostly waits for."""
    return [_profile_sentence(document, profile) for profile in document.profiles]


def _profile_sentence(document: FindingsDocument, profile: StepProfile) -> str:
    busy_ns = sum(part.time_ns for part in profile.parts if not part.is_idle)
    idle = [part for part in profile.parts if part.is_idle]
    process = f" of process {document.pids[profile.process]}" if has_several_processes(document) else ""
    times = "the one step" if profile.steps == 1 else f"the median of {profile.steps} steps"
    sentence = (
        f"A {profile.phase} step{process} takes {units.time(profile.wall_ns)} ({times}); the GPU works for "
        f"{units.time(busy_ns)} of it ({units.share(busy_ns / max(1, profile.wall_ns))})"
    )
    if idle and idle[0].time_ns * 20 > profile.wall_ns:
        sentence += f", and {units.share(idle[0].time_ns / profile.wall_ns)} is {IDLE_NAMES[idle[0].label]}"
    return sentence + "."


def speed(profile: StepProfile) -> str:
    """Steps a second, from the median step."""
    return f"{units.count(round(1e9 / profile.wall_ns, 1))} steps/s" if profile.wall_ns else "-"


def phase_label(document: FindingsDocument, phase: PhaseSummary) -> str:
    """The phase, with its process where there are several."""
    return _label(document, phase.phase, phase.process)


def profile_label(document: FindingsDocument, profile: StepProfile) -> str:
    """The phase of a step, with its process where there are several."""
    return _label(document, profile.phase, profile.process)


def finding_label(document: FindingsDocument, finding: Finding) -> str:
    """The phase that a finding is about, with its process where there are several."""
    return f"{finding.phase} (pid {finding.pid})" if has_several_processes(document) else finding.phase


def not_looked_for(document: FindingsDocument) -> list[str]:
    """A sentence for each kind of data that is lacking: what could not be looked for."""
    detectors: dict[str, list[str]] = {}
    for detector, reason in document.findings.lacking.items():
        detectors.setdefault(reason, []).append(detector.replace("_", " "))
    return [f"Could not look for {', '.join(names)}: {reason}." for reason, names in detectors.items()]


def _label(document: FindingsDocument, phase: str, process: int) -> str:
    return f"{phase} (pid {document.pids[process]})" if has_several_processes(document) else phase


def has_several_processes(document: FindingsDocument) -> bool:
    """Whether several processes put something on the GPU."""
    return len({phase.process for phase in document.phases}) > 1
