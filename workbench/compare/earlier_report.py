"""The findings report that is verified: a JSON document of `wb findings`, read with suspicion."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.analysis.step_profile import Part
from workbench.attribution.rules import PHASES, STEPPED_PHASES
from workbench.compare.phase_steps import PhaseSteps
from workbench.decoding import MismatchError, NestingError, decode, parse_json
from workbench.errors import UserError
from workbench.findings.finding import Effort, Gain
from workbench.findings.target import Target, parse_target
from workbench.manifest import SCHEMA as MANIFEST_SCHEMA
from workbench.manifest import Manifest, decode_manifest

SCHEMA = "wb.findings/1"
# Times and counts beyond this are none of a capture.
_MOST = 1 << 63


@dataclass(frozen=True)
class EarlierFinding:
    """A finding as the earlier report tells it.

    Attributes:
        number: such as `F3`.
        detector, phase, pid, claim, remedy, effort, gain: the finding's own.
        target: what a later capture must show.
        measured: what the target measured then; None where it could not be measured.
    """

    number: str
    detector: str
    phase: str
    pid: int
    claim: str
    remedy: str
    effort: Effort
    gain: Gain | None
    target: Target
    measured: float | None


@dataclass(frozen=True)
class EarlierGpu:
    """A GPU of the earlier capture; what was not recorded is 0 or empty."""

    name: str
    sm_count: int


@dataclass(frozen=True)
class EarlierCapture:
    """The capture of the earlier report.

    Attributes:
        file: its name, with its folder's where it lay in one.
        sha256: of the file, as the manifest tells it, else of the report itself, in hexadecimal.
        recorder: `nsys`, or what else recorded.
        nsys_version: empty where unknown.
        recorded_utc: when, ISO 8601; empty where unknown.
        devices: its GPUs.
        graphs: whether its steps ran in CUDA graphs; None where that is unknown.
        manifest: how it was made, if the report says so.
    """

    file: str
    sha256: str
    recorder: str
    nsys_version: str
    recorded_utc: str
    devices: tuple[EarlierGpu, ...]
    graphs: bool | None
    manifest: Manifest | None


@dataclass(frozen=True)
class EarlierReport:
    """A findings report.

    Attributes:
        capture: what it is about.
        notice: what it says must be known first; empty where there is nothing.
        phases: its phases that have steps, in the order of processes.
        findings: what it found, best return first.
    """

    capture: EarlierCapture
    notice: str
    phases: tuple[PhaseSteps, ...]
    findings: tuple[EarlierFinding, ...]


@dataclass(frozen=True)
class _CaptureJson:
    file: str
    recorder: str
    nsys_version: str
    recorded_utc: str
    devices: tuple[EarlierGpu, ...]


@dataclass(frozen=True)
class _TargetJson:
    text: str
    measured: float | None


@dataclass(frozen=True)
class _FindingJson:
    id: str
    detector: str
    phase: str
    process: int
    claim: str
    remedy: str
    effort: str
    gain: Gain | None
    target: _TargetJson


@dataclass(frozen=True)
class _PhaseJson:
    process: int
    phase: str
    steps: int
    wall_ns: int


@dataclass(frozen=True)
class _MedianStepJson:
    process: int
    phase: str
    wall_ns: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _ReportJson:
    capture: _CaptureJson
    manifest: dict[str, Any] | None
    phases: tuple[_PhaseJson, ...]
    median_steps: tuple[_MedianStepJson, ...]
    findings: tuple[_FindingJson, ...]
    notice: str = ""
    graphs: str | None = None


def parse_report(text: str, name: str) -> EarlierReport:
    """Reads the JSON document of a findings report.

    Args:
        text: the document.
        name: the file's, for messages.

    Raises:
        UserError: it is no such document, or says what cannot be.
    """
    advice = "make one with `wb findings CAPTURE -o FINDINGS.json`"
    try:
        document = parse_json(text)
    except NestingError as error:
        raise UserError(f"{name} is no findings report: it is {error}; {advice}") from error
    except ValueError as error:
        raise UserError(f"{name} is no JSON document ({error}); {advice}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UserError(f"{name} is no findings report of schema {SCHEMA}; {advice}")
    try:
        return _report(document, hashlib.sha256(text.encode(errors="replace")).hexdigest())
    except (MismatchError, UserError) as error:
        raise UserError(f"{name} is malformed: {error}; {advice}") from error


def _report(document: Mapping[str, Any], sha256: str) -> EarlierReport:
    told = decode(_ReportJson, document)
    manifest = _manifest(told.manifest)
    findings = tuple(_finding(one, f"findings[{place}]") for place, one in enumerate(told.findings))
    numbers = [finding.number for finding in findings]
    if len(set(numbers)) < len(numbers):
        raise MismatchError("findings: two of them have the same id")
    return EarlierReport(
        EarlierCapture(
            file=told.capture.file,
            sha256=_sha256_of_capture(told.capture.file, manifest) or sha256,
            recorder=told.capture.recorder,
            nsys_version=told.capture.nsys_version,
            recorded_utc=told.capture.recorded_utc,
            devices=told.capture.devices,
            graphs=_graphs(told),
            manifest=manifest,
        ),
        told.notice,
        tuple(_phase_steps(told)),
        findings,
    )


def _manifest(document: dict[str, Any] | None) -> Manifest | None:
    if document is None:
        return None
    if document.get("schema") != MANIFEST_SCHEMA:
        raise MismatchError(f"manifest is not of schema {MANIFEST_SCHEMA}")
    return decode_manifest(document, "manifest")


def _sha256_of_capture(file: str, manifest: Manifest | None) -> str | None:
    name = file.rpartition("/")[2]
    return next((one.sha256 for one in manifest.captures if one.file == name), None) if manifest else None


def _graphs(told: _ReportJson) -> bool | None:
    """Whether its steps ran in graphs, as the report says."""
    if told.graphs not in (None, "on", "off"):
        raise MismatchError("graphs is neither on nor off")
    return None if told.graphs is None else told.graphs == "on"


def _phase_steps(told: _ReportJson) -> list[PhaseSteps]:
    medians = {(one.process, one.phase): one for one in told.median_steps}
    found = []
    for place, phase in enumerate(told.phases):
        where = f"phases[{place}]"
        _check_phase(phase.phase, where)
        _check(f"{where}.steps", phase.steps)
        _check(f"{where}.wall_ns", phase.wall_ns)
        median = medians.get((phase.process, phase.phase))
        if not phase.steps or phase.phase not in STEPPED_PHASES:
            continue
        if median is None:
            raise MismatchError(f"median_steps: the one of {phase.phase} is missing")
        _check(f"median_steps: wall_ns of {phase.phase}", median.wall_ns)
        for part in median.parts:
            _check(f"median_steps: time_ns of {phase.phase}", part.time_ns)
            _check(f"median_steps: operations of {phase.phase}", part.operations)
        mean_ns = phase.wall_ns // phase.steps
        found.append(PhaseSteps(phase.phase, phase.process, phase.steps, median.wall_ns, mean_ns, median.parts))
    return found


def _finding(told: _FindingJson, where: str) -> EarlierFinding:
    if not (told.id[:1] == "F" and told.id[1:].isascii() and told.id[1:].isdigit()):
        raise MismatchError(f"{where}.id is no number of a finding")
    if told.effort not in tuple(Effort):
        raise MismatchError(f"{where}.effort is none of {', '.join(Effort)}")
    _check_phase(told.phase, where)
    if told.gain:
        _check_gain(told.gain, f"{where}.gain")
    if told.target.measured is not None and not 0 <= told.target.measured < _MOST:
        raise MismatchError(f"{where}.target.measured is no measure of a capture")
    target = parse_target(told.target.text)
    if target.value >= _MOST:
        raise MismatchError(f"{where}.target.text asks for what no capture has")
    return EarlierFinding(
        number=told.id,
        detector=told.detector,
        phase=told.phase,
        pid=told.process,
        claim=told.claim,
        remedy=told.remedy,
        effort=Effort(told.effort),
        gain=told.gain,
        target=target,
        measured=told.target.measured,
    )


def _check_gain(gain: Gain, where: str) -> None:
    _check(f"{where}.step_ns", gain.step_ns)
    if not 1 <= gain.steps < _MOST:
        raise MismatchError(f"{where}.steps is no count of steps")
    if not 0 <= gain.low_ns <= gain.high_ns <= gain.step_ns:
        raise MismatchError(f"{where} is no interval within a step")


def _check_phase(phase: str, where: str) -> None:
    if phase not in PHASES:
        raise MismatchError(f"{where}.phase is none of {', '.join(PHASES)}")


def _check(where: str, value: int) -> None:
    if not 0 <= value < _MOST:
        raise MismatchError(f"{where} is {'negative' if value < 0 else 'beyond all bounds'}")
