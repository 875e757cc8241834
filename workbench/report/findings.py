"""What the renderings of a findings report have in common: how findings, gains and evidence are worded."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.phases import PhaseSummary
from workbench.analysis.roofline import PhaseRoofline
from workbench.analysis.step_profile import StepProfile
from workbench.findings.calibration import Realised
from workbench.findings.counterpart import Counterpart
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import CallTime, Cell, Evidence, Finding, Gain
from workbench.findings.names import readable, short_of
from workbench.findings.target import Target
from workbench.report import quantities
from workbench.report.terms import IDLE_NAMES
from workbench.report.texts import cut, one_line

SCHEMA = "wb.findings/1"
# A line by which a file is known to be ours, and may be written again.
MARK = "written by wb findings"
LONGEST_NAME = 64
_NO_GAIN = "no gain predicted"
_COMPARISONS = {"<=": "at most", ">=": "at least", "==": "exactly"}


@dataclass(frozen=True)
class Entry:
    """A finding with its number and what else is known of it.

    Attributes:
        number: such as `F1`.
        finding: the claim.
        measured: what its target measures now.
        realised: what its detector's earlier predictions came to.
        other_graphs: whether graphs are on in the capture that stands beside this one; None where none does.
        counterpart: what that capture says of the finding; None where it cannot tell.
    """

    number: str
    finding: Finding
    measured: float | None
    realised: Realised | None = None
    other_graphs: bool | None = None
    counterpart: Counterpart | None = None


def entries(document: FindingsDocument) -> list[Entry]:
    """The findings, numbered in their order."""
    findings, other = document.findings.findings, document.counterpart
    counterparts = other.of_findings if other else (None,) * len(findings)
    return [
        Entry(
            f"F{number}",
            finding,
            measured,
            realised=document.realised.get(finding.detector),
            other_graphs=other.graphs if other else None,
            counterpart=counterpart,
        )
        for number, (finding, measured, counterpart) in enumerate(
            zip(findings, document.measured, counterparts, strict=True), 1
        )
    ]


def graphs_words(graphs: bool) -> str:
    """A mode of running as reports call it."""
    return f"with graphs {'on' if graphs else 'off'}"


def prediction(entry: Entry) -> str:
    """What a remedy should bring: with graphs on and off where both are known; and how such predictions came true."""
    gain, words = entry.finding.gain, gain_sentence(entry.finding.gain)
    if entry.other_graphs is not None:
        own, other = graphs_words(not entry.other_graphs), graphs_words(entry.other_graphs)
        words = f"{own}: {words}; {_counterpart_words(entry.counterpart, other)}"
    if entry.realised and gain and gain.high_ns:
        words += f"; predictions of this detector were realised at {realised_words(entry.realised)}"
    return words


def _counterpart_words(counterpart: Counterpart | None, mode: str) -> str:
    if counterpart is None:
        return f"{mode}: unknown, as that capture cannot tell"
    if not counterpart.arises:
        return f"does not arise {mode}"
    if counterpart.gain is None:
        return f"{mode}: its target is unmet, too, but no finding there predicts the same gain"
    return f"{mode}: {gain_sentence(counterpart.gain)}"


def counterpart_short(counterpart: Counterpart | None) -> str:
    """What the other mode of graphs would gain, for a table, in parts of its step."""
    if counterpart is None:
        return "unknown"
    return gain_short(counterpart.gain) if counterpart.arises else "does not arise"


def realised_words(realised: Realised) -> str:
    """How much of what was predicted came true: the median, from the least to the most, of how many, and where."""
    times = quantities.interval(_times(realised.low), _times(realised.high))
    spread = f"{times}, " if times != _times(realised.ratio) else ""
    gpu = f", on {one_line(realised.gpu)}" if realised.gpu else ""
    return f"{_times(realised.ratio)} times ({spread}n = {realised.count}, {_alone(realised)}{gpu})"


def _alone(realised: Realised) -> str:
    """Of how many predictions no other finding could have had a part in what came true."""
    if realised.count == 1:
        return "alone" if realised.alone else "not alone"
    return f"{ {0: 'none', realised.count: 'all'}.get(realised.alone, realised.alone) } of them alone"


def _times(ratio: float) -> str:
    """A ratio with one decimal, or as many as show that it is not 0."""
    return f"{ratio:.1f}" if abs(ratio) >= 0.05 or not ratio else f"{ratio:.1g}"


def call_sentence(time: CallTime) -> str:
    """Where the time of API calls lies: what of it can hold a step up, and what the GPU's work hides."""
    parts = [f"{quantities.time(time.critical_ns / time.steps)} on the critical path (the GPU was idle)"]
    outside_ns = time.total_ns - time.critical_ns - time.hidden_ns
    for part_ns, place in ((time.hidden_ns, "hidden behind its work"), (outside_ns, "outside the steps")):
        if part_ns:
            parts.append(f"{quantities.time(part_ns / time.steps)} {place}")
    return f"{quantities.time(time.total_ns / time.steps)} a step: {', '.join(parts)}"


def gain_sentence(gain: Gain | None) -> str:
    """A predicted gain in words."""
    if gain is None:
        return "cannot be said: it makes other findings possible"
    if not gain.high_ns:
        return _NO_GAIN
    step = "the mean step" if gain.of_mean_step else "a step"
    times = quantities.interval(quantities.time(gain.low_ns), quantities.time(gain.high_ns))
    return f"{times} off {step} of {quantities.time(gain.step_ns)} ({_shares(gain)})"


def gain_columns(document: FindingsDocument) -> list[str]:
    """The headings of gains in a table: of both modes of graphs, where a capture of either is known."""
    other = document.counterpart
    if other is None:
        return ["gain (of a step)"]
    return [f"gain {graphs_words(not other.graphs)}", graphs_words(other.graphs)]


def gain_cells(entry: Entry) -> list[str]:
    """A finding's cells below `gain_columns`."""
    others = [] if entry.other_graphs is None else [counterpart_short(entry.counterpart)]
    return [gain_short(entry.finding.gain), *others]


def gain_short(gain: Gain | None) -> str:
    """A predicted gain for a table, in parts of the step."""
    if gain is None:
        return "-"
    return _shares(gain) if gain.high_ns else _NO_GAIN


def _shares(gain: Gain) -> str:
    step_ns = max(1, gain.step_ns)
    return quantities.interval(quantities.share(gain.low_ns / step_ns), quantities.share(gain.high_ns / step_ns))


def target_words(entry: Entry) -> str:
    """What a target asks for, where it has a unit, and what the capture shows now."""
    target, words = entry.finding.target, []
    if {"ns", "bytes"} & set(target.measure.split("_")):
        words.append(f"{_COMPARISONS[target.comparison]} {measure_words(target, target.value)}")
    if entry.measured is not None:
        words.append(f"now {measure_words(target, entry.measured)}")
    return "; ".join(words)


def measure_words(target: Target, value: float) -> str:
    """A value of a target's measure, whose name says its unit."""
    parts = target.measure.split("_")
    return (quantities.time if "ns" in parts else quantities.size if "bytes" in parts else quantities.count)(value)


def cell(column: str, value: Cell) -> str:
    """A cell of evidence as people read it; the column's name says its unit."""
    if value is None:
        return "-"
    if isinstance(value, str):
        # Evidence names kernels in full, so that its rows are those of its SQL.
        text = readable(short_of(value), value) if column == "kernel" else value
        return cut(one_line(text), LONGEST_NAME)
    if column.endswith("_ns"):
        return quantities.time(value)
    if column.startswith("share"):
        return quantities.share(value)
    if column == "bytes":
        return quantities.size(value)
    if column == "pageable":
        return "yes" if value else "no"
    return quantities.count(value)


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
    worker = "NumPy" if document.info.is_of_cpu else "the GPU"
    sentence = (
        f"A {profile.phase} step{process} takes {quantities.time(profile.wall_ns)} ({times}); {worker} works for "
        f"{quantities.time(busy_ns)} of it ({quantities.share(busy_ns / max(1, profile.wall_ns))})"
    )
    if idle and idle[0].time_ns * 20 > profile.wall_ns:
        sentence += f", and {quantities.share(idle[0].time_ns / profile.wall_ns)} is idle: {IDLE_NAMES[idle[0].label]}"
    return sentence + "."


def speeds(document: FindingsDocument) -> list[str]:
    """How fast each phase of several steps was, over all of them and by its median step; decode first."""
    phases = {(phase.process, phase.phase): phase for phase in document.phases}
    return [
        _speed(document, profile, phases[profile.process, profile.phase])
        for profile in document.profiles
        if profile.steps > 1 and profile.wall_ns
    ]


def _speed(document: FindingsDocument, profile: StepProfile, phase: PhaseSummary) -> str:
    return (
        f"{profile_label(document, profile)} {quantities.rate(phase.steps, phase.wall_ns)} steps/s "
        f"({quantities.counted(phase.steps, 'step')} in {quantities.time(phase.wall_ns)}); the median step's "
        f"{quantities.time(profile.wall_ns)} would make {quantities.rate(1, profile.wall_ns)} steps/s"
    )


def phase_label(document: FindingsDocument, phase: PhaseSummary) -> str:
    """The phase, with its process where there are several."""
    return _label(document, phase.phase, phase.process)


def profile_label(document: FindingsDocument, profile: StepProfile) -> str:
    """The phase of a step, with its process where there are several."""
    return _label(document, profile.phase, profile.process)


def roofline_label(document: FindingsDocument, roofline: PhaseRoofline) -> str:
    """The phase of a roofline, with its process where there are several."""
    return _label(document, roofline.phase, roofline.process)


def finding_label(document: FindingsDocument, finding: Finding) -> str:
    """The phase that a finding is about, with its process where there are several."""
    return f"{finding.phase} (pid {finding.pid})" if has_several_processes(document) else finding.phase


def not_looked_for(document: FindingsDocument) -> list[str]:
    """A sentence for each kind of data that is lacking: what could not be looked for."""
    detectors: dict[str, list[str]] = {}
    for detector, reason in document.findings.lacking.items():
        detectors.setdefault(reason, []).append(detector.replace("_", " "))
    return [f"Could not look for {', '.join(names)}: {reason}." for reason, names in detectors.items()]


def nothing_found(document: FindingsDocument) -> str:
    """Why there is no finding: nothing was found, or nothing could be looked for."""
    looked, lacking = len(document.findings.silent), len(document.findings.lacking)
    if not looked:
        return "Nothing could be looked for: this capture lacks what every detector needs."
    more = f"; {lacking} more could not be looked for" if lacking else ""
    return f"Nothing was found, of {quantities.counted(looked, 'thing')} looked for{more}."


def _label(document: FindingsDocument, phase: str, process: int) -> str:
    return f"{phase} (pid {document.pids[process]})" if has_several_processes(document) else phase


def has_several_processes(document: FindingsDocument) -> bool:
    """Whether several processes put something on the GPU."""
    return len({phase.process for phase in document.phases}) > 1
