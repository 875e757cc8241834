"""Verifies findings reports: reads what `wb verify` is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.attribution.rules import LayerRules
    from workbench.cli.comparisons import OpenedSet
    from workbench.compare.comparability import FieldDifference
    from workbench.compare.comparison import CaptureSet, Comparison
    from workbench.compare.earlier_report import EarlierReport
    from workbench.compare.fingerprint import Fingerprint
    from workbench.compare.measurement import CaptureMeasurement
    from workbench.compare.observation import Observation
    from workbench.compare.results import ResultsComparison
    from workbench.compare.verification import FoundNow, Verification
    from workbench.findings.calibration import Realised
    from workbench.findings.target import Target
    from workbench.manifest import Manifest
    from workbench.trace.model import Trace

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class _Observed:
    """One capture of AFTER; `found` is None but of the first, `measured` where there is nothing to compare it with."""

    observation: "Observation"
    fingerprint: "Fingerprint"
    manifest: "Manifest | None"
    found: "tuple[FoundNow, ...] | None"
    measured: "CaptureMeasurement | None"


@dataclass(frozen=True)
class Kept:
    """What became of the calibration file: its name, how many outcomes were added, and what it holds by detector."""

    file: str
    added: int
    realised: "dict[str, Realised]"


def keep_outcomes(verification: "Verification", file: Path | None) -> Kept:
    """Adds what became of predictions to a calibration file, if one is kept.

    Raises:
        UserError: the file cannot be read or written.
    """
    from workbench.calibration_file import append_calibration, read_calibration
    from workbench.compare.verification import outcomes
    from workbench.findings.calibration import realised
    from workbench.report.origin import as_named

    if file is None:
        return Kept("", 0, {})
    added = append_calibration(file, outcomes(verification))
    known = read_calibration(file) if file.exists() else ()
    detectors = dict.fromkeys(one.finding.detector for one in verification.findings if one.credit)
    return Kept(as_named(file), added, {name: found for name in detectors if (found := realised(known, name))})


def read_report(path: Path) -> "EarlierReport":
    """Reads the JSON document of a findings report.

    Raises:
        UserError: it cannot be read, or is no such document.
    """
    from workbench.compare.earlier_report import parse_report
    from workbench.files import UnsuitableFileError, read_ordinary_file

    advice = "name the JSON document of `wb findings CAPTURE -o FINDINGS.json`"
    try:
        text = read_ordinary_file(path, _MOST_BYTES).decode()
    except UnsuitableFileError as error:
        raise UserError(f"{path} is no findings report (it is {error}); {advice}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no JSON document; {advice}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); {advice}") from error
    return parse_report(text, str(path))


def verify_report(
    report: "EarlierReport", after: Path, before: Path | None, vary: Sequence[str], rules: Sequence[Path]
) -> "Verification":
    """Verifies a report by a set of captures.

    Args:
        report: the earlier report.
        after: AFTER as the user named it.
        before: captures of what the report is about, if there are any.
        vary: what is under test, as given; nothing means the default.
        rules: rule files of the user's.

    Raises:
        UserError: a set cannot be read or is mixed, or cannot be held against the report.
    """
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.comparisons import unprofiled_speed
    from workbench.compare.comparability import DEFAULT_FACTORS, caveats, differences, factors, refuse_incomparable
    from workbench.compare.earlier_fingerprint import earlier_fingerprint
    from workbench.compare.results import compare_results
    from workbench.compare.verification import Conditions, verify

    declared = factors(vary) if vary else DEFAULT_FACTORS
    layer_rules = load_rules(tuple(rules))
    observed = _observe_set(report, after, layer_rules, measures=before is not None)
    after_set = _set(after, observed)
    earlier = earlier_fingerprint(report)
    opened = _open_before(before, earlier, layer_rules) if before else None
    made_of = opened.measured.fingerprint if opened else earlier
    found = differences(made_of, after_set.fingerprint, declared)
    refuse_incomparable(found, declared)
    manifests = tuple(one.manifest for one in observed)
    results = compare_results(opened.manifests if opened else (report.capture.manifest,), manifests)
    conditions = Conditions(
        vary=declared,
        differences=found,
        caveats=(*caveats(made_of, after_set.fingerprint), *_same_runs(report, manifests)),
        results=results,
        before=made_of,
        after=after_set.fingerprint,
        before_speed=opened.measured.unprofiled if opened else unprofiled_speed((report.capture.manifest,)),
        after_speed=after_set.unprofiled,
    )
    comparison = _compare(opened, after_set, conditions.vary, found, results) if opened else None
    name = _name(after, observed)
    return verify(report, name, [one.observation for one in observed], observed[0].found or (), conditions, comparison)


def _same_runs(report: "EarlierReport", manifests: "Sequence[Manifest | None]") -> tuple[str, ...]:
    if report.capture.manifest is None or report.capture.manifest not in manifests:
        return ()
    return ("AFTER is of the very runs that the earlier report is about, so nothing can have changed.",)


def _observe_set(
    report: "EarlierReport", after: Path, rules: "LayerRules", *, measures: bool
) -> "tuple[_Observed, ...]":
    from workbench.cli.capture_sets import find_captures, open_members
    from workbench.compare.comparability import refuse_mixed

    members = find_captures(after)
    if members[0].is_csv:
        raise UserError(f"{after} holds tables of sums, on which no target can be measured; give captures")
    targets = tuple(finding.target for finding in report.findings)
    observe_one = partial(_observe, rules, targets, measures)
    # Unlike a loop, `map` holds no capture while the next is read.
    observed = tuple(map(observe_one, count(), open_members(members)))
    for one in observed:
        if not one.observation.phases:
            raise UserError(
                f"{one.observation.name} has no steps, so no finding can be verified on it; annotate its steps, or "
                "record one that has them"
            )
    refuse_mixed([(one.observation.name, one.fingerprint) for one in observed])
    return observed


def _observe(
    rules: "LayerRules",
    targets: "Sequence[Target]",
    measures: bool,
    number: int,
    opened: "tuple[str, Trace, Manifest | None]",
) -> _Observed:
    from workbench.analysis.analysis import Analysis
    from workbench.analysis.footprint import read_footprint
    from workbench.attribution.attribution import attribute
    from workbench.compare.fingerprint import fingerprint
    from workbench.compare.measure_capture import measure_capture
    from workbench.compare.observation import observe
    from workbench.compare.verification import find_now

    name, trace, manifest = opened
    analysis = Analysis(attribute(trace, rules), read_footprint(manifest.workload if manifest else None))
    return _Observed(
        observe(analysis, name, targets),
        fingerprint(manifest, analysis),
        manifest,
        find_now(analysis) if number == 0 else None,
        measure_capture(analysis, name) if measures else None,
    )


def _set(after: Path, observed: "Sequence[_Observed]") -> "CaptureSet":
    from workbench.cli.comparisons import unprofiled_speed
    from workbench.compare.comparison import CaptureSet
    from workbench.compare.fingerprint import merged
    from workbench.report.origin import as_named

    return CaptureSet(
        as_named(after),
        tuple(one.measured for one in observed if one.measured),
        merged([one.fingerprint for one in observed]),
        unprofiled_speed(tuple(one.manifest for one in observed)),
    )


def _name(after: Path, observed: "Sequence[_Observed]") -> str:
    """What reports and the calibration file call AFTER: the capture, or the folder of several, without its path."""
    return observed[0].observation.name if len(observed) == 1 else after.resolve().name


def _open_before(before: Path, earlier: "Fingerprint", rules: "LayerRules") -> "OpenedSet":
    """Reads the captures of what the report is about.

    Raises:
        UserError: they cannot be read, or are of something else.
    """
    from workbench.cli.comparisons import open_set
    from workbench.compare.comparability import Kind, differences

    opened = open_set(before, rules)
    if not opened.measured.has_times:
        raise UserError(f"{before} holds tables of sums, which tell no steps; give the captures of the earlier report")
    found = differences(earlier, opened.measured.fingerprint, ())
    refused = ", ".join(one.text for one in found if one.kind is Kind.REFUSED)
    if refused:
        raise UserError(
            f"--before {before} is not what the earlier report is about, for they differ in {refused}; give captures "
            "that were made as the report's"
        )
    return opened


def _compare(
    before: "OpenedSet",
    after: "CaptureSet",
    vary: Sequence[str],
    found: "Sequence[FieldDifference]",
    results: "ResultsComparison",
) -> "Comparison":
    from workbench.attribution.rules import STEPPED_PHASES
    from workbench.compare.comparison import compare

    captures = (*before.measured.captures, *after.captures)
    shared = [name for name in STEPPED_PHASES if all((one := c.phase(name)) and one.steps for c in captures)]
    return compare(before.measured, after, vary, found, results, shared[-1] if shared else STEPPED_PHASES[-1])
