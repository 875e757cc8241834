"""Verifies findings reports: reads what `wb verify` is given."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.attribution.rules import LayerRules
    from workbench.cli.capture_sets import Member
    from workbench.compare.comparability import FieldDifference
    from workbench.compare.comparison import CaptureSet, Comparison
    from workbench.compare.earlier_report import EarlierReport
    from workbench.compare.fingerprint import Fingerprint
    from workbench.compare.measurement import CaptureMeasurement
    from workbench.compare.observation import Observation
    from workbench.compare.results import ResultsComparison
    from workbench.compare.verification import FoundNow, Verification
    from workbench.findings.calibration import Outcome, Realised
    from workbench.findings.target import Target
    from workbench.manifest import Manifest
    from workbench.trace.model import Trace

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class _Observed:
    """One capture; `found` is None but of AFTER's first, `measured` where there is nothing to compare it with."""

    observation: "Observation"
    fingerprint: "Fingerprint"
    manifest: "Manifest | None"
    found: "tuple[FoundNow, ...] | None"
    measured: "CaptureMeasurement | None"


@dataclass(frozen=True)
class _Asked:
    """What is asked of each capture of a set, and whether it is to be compared with others."""

    rules: "LayerRules"
    targets: "tuple[Target, ...]" = ()
    finds: bool = False
    measures: bool = False


@dataclass(frozen=True)
class Kept:
    """What becomes of the calibration file: what there is to keep, what of it is new, and what it then says."""

    eligible: "tuple[Outcome, ...]"
    added: "tuple[Outcome, ...]"
    realised: "dict[str, Realised]"


def judge_outcomes(verification: "Verification", file: Path | None) -> Kept:
    """What a calibration file would say of detectors if it held these outcomes, too; nothing is written.

    Raises:
        UserError: the file cannot be read.
    """
    from workbench.calibration_file import read_calibration
    from workbench.compare.outcomes import outcomes
    from workbench.findings.calibration import realised, unseen

    if file is None:
        return Kept((), (), {})
    known = read_calibration(file) if os.path.lexists(file) else ()
    eligible = outcomes(verification)
    added = unseen(known, eligible)
    gpu = verification.conditions.before.gpu
    detectors = dict.fromkeys(one.finding.detector for one in verification.findings if one.credit)
    found = {name: realised((*known, *added), name, gpu) for name in detectors}
    return Kept(eligible, added, {name: one for name, one in found.items() if one})


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
    from workbench.compare.verification import Conditions, Observed, verify

    declared = factors(vary) if vary else DEFAULT_FACTORS
    layer_rules = load_rules(tuple(rules))
    targets = tuple(finding.target for finding in report.findings)
    observed = _observe_set(after, _Asked(layer_rules, targets, finds=True, measures=before is not None))
    after_set = _set(after, observed)
    earlier = earlier_fingerprint(report)
    runs = _observe_before(before, earlier, layer_rules) if before else ()
    before_set = _set(before, runs) if before else None
    made_of = before_set.fingerprint if before_set else earlier
    found = differences(made_of, after_set.fingerprint, declared)
    refuse_incomparable(found, declared)
    manifests = tuple(one.manifest for one in observed)
    earlier_manifests = tuple(one.manifest for one in runs) or (report.capture.manifest,)
    results = compare_results(earlier_manifests, manifests)
    conditions = Conditions(
        vary=declared,
        differences=found,
        caveats=(*caveats(made_of, after_set.fingerprint), *_same_runs(report, manifests)),
        results=results,
        before=made_of,
        after=after_set.fingerprint,
        before_speed=unprofiled_speed(earlier_manifests),
        after_speed=after_set.unprofiled,
    )
    seen = Observed(
        after=tuple(one.observation for one in observed),
        found=observed[0].found or (),
        before=tuple(one.observation for one in runs),
        comparison=_compare(before_set, after_set, declared, found, results) if before_set else None,
    )
    return verify(report, _name(after, observed), seen, conditions)


def _same_runs(report: "EarlierReport", manifests: "Sequence[Manifest | None]") -> tuple[str, ...]:
    if report.capture.manifest is None or report.capture.manifest not in manifests:
        return ()
    return ("AFTER is of the very runs that the earlier report is about, so nothing can have changed.",)


def _observe_set(path: Path, asked: _Asked) -> "tuple[_Observed, ...]":
    from workbench.cli.capture_sets import find_captures, open_members
    from workbench.compare.comparability import refuse_mixed

    members = find_captures(path)
    if members[0].is_csv:
        raise UserError(f"{path} holds tables of sums, which tell no steps, and measure no target; give captures")
    # Unlike a loop, `map` holds no capture while the next is read.
    observed = tuple(map(partial(_observe, asked), members, count(), open_members(members)))
    for one in observed:
        if not one.observation.phases:
            raise UserError(
                f"{one.observation.name} has no steps, so no finding can be verified on it; annotate its steps, or "
                "record one that has them"
            )
    refuse_mixed([(one.observation.name, one.fingerprint) for one in observed])
    return observed


def _observe(asked: _Asked, member: "Member", number: int, opened: "tuple[str, Trace, Manifest | None]") -> _Observed:
    from workbench.analysis.analysis import Analysis
    from workbench.analysis.footprint import read_footprint
    from workbench.attribution.attribution import attribute
    from workbench.capture.store import digest
    from workbench.compare.fingerprint import fingerprint
    from workbench.compare.measure_capture import measure_capture
    from workbench.compare.observation import observe
    from workbench.compare.verification import find_now

    name, trace, manifest = opened
    analysis = Analysis(attribute(trace, asked.rules), read_footprint(manifest.workload if manifest else None))
    sha256, _ = digest(member.path)
    return _Observed(
        observe(analysis, name, sha256, asked.targets),
        fingerprint(manifest, analysis),
        manifest,
        find_now(analysis) if asked.finds and number == 0 else None,
        measure_capture(analysis, name) if asked.measures else None,
    )


def _set(path: Path, observed: "Sequence[_Observed]") -> "CaptureSet":
    from workbench.cli.comparisons import unprofiled_speed
    from workbench.compare.comparison import CaptureSet
    from workbench.compare.fingerprint import merged
    from workbench.report.origin import as_named

    return CaptureSet(
        as_named(path),
        tuple(one.measured for one in observed if one.measured),
        merged([one.fingerprint for one in observed]),
        unprofiled_speed(tuple(one.manifest for one in observed)),
    )


def _name(after: Path, observed: "Sequence[_Observed]") -> str:
    """What reports and the calibration file call AFTER: the capture, or the folder of several, without its path."""
    return observed[0].observation.name if len(observed) == 1 else after.resolve().name


def _observe_before(before: Path, earlier: "Fingerprint", rules: "LayerRules") -> "tuple[_Observed, ...]":
    """Observes the captures of what the report is about.

    Raises:
        UserError: they cannot be read, or are of something else.
    """
    from workbench.compare.comparability import Kind, differences
    from workbench.compare.fingerprint import merged

    observed = _observe_set(before, _Asked(rules, measures=True))
    found = differences(earlier, merged([one.fingerprint for one in observed]), ())
    refused = ", ".join(one.text for one in found if one.kind is Kind.REFUSED)
    if refused:
        raise UserError(
            f"--before {before} is not what the earlier report is about, for they differ in {refused}; give captures "
            "that were made as the report's"
        )
    return observed


def _compare(
    before: "CaptureSet",
    after: "CaptureSet",
    vary: Sequence[str],
    found: "Sequence[FieldDifference]",
    results: "ResultsComparison",
) -> "Comparison":
    from workbench.attribution.rules import STEPPED_PHASES
    from workbench.compare.comparison import compare

    captures = (*before.captures, *after.captures)
    shared = [name for name in STEPPED_PHASES if all((one := c.phase(name)) and one.steps for c in captures)]
    return compare(before, after, vary, found, results, shared[-1] if shared else STEPPED_PHASES[-1])
