"""Renders a verification as JSON, schema `wb.verify/1`."""

import json
from dataclasses import asdict
from typing import Any

from workbench.compare.credit import Basis, Credit, StepChange
from workbench.compare.estimate import Estimate
from workbench.compare.moved_parts import PartChange
from workbench.compare.reasons import Reason
from workbench.compare.verification import FoundNow, PhaseChange, Verification, VerifiedFinding
from workbench.findings.finding import Gain
from workbench.manifest import Speed
from workbench.report.verify import SCHEMA, is_joint, new_label, notice, reason_sentence, verdict
from workbench.report.verify_origin import UNKNOWN_ORIGIN, VerifyOrigin


def to_json(verification: Verification, origin: VerifyOrigin = UNKNOWN_ORIGIN) -> str:
    """The report as a JSON document; what cannot be known is null."""
    conditions, told = verification.conditions, notice(verification)
    content = {
        **({"notice": told} if told else {}),
        "schema": SCHEMA,
        "verdict": verdict(verification),
        "before": {
            "capture": verification.report.capture.file,
            "captures": [one.name for one in verification.comparison.before.captures]
            if verification.comparison
            else [],
            "fingerprint": _known(asdict(conditions.before)),
            "unprofiled": _speed_json(conditions.before_speed),
        },
        "after": {
            "name": verification.after,
            "captures": list(verification.captures),
            "fingerprint": _known(asdict(conditions.after)),
            "unprofiled": _speed_json(conditions.after_speed),
        },
        "vary": list(conditions.vary),
        "differences": [
            {"field": one.field, "before": one.before, "after": one.after, "kind": one.kind.value}
            for one in conditions.differences
        ],
        "results": {"verdict": conditions.results.verdict.value, "text": conditions.results.sentence},
        "findings": [_finding_json(one) for one in verification.findings],
        "phases": [_phase_json(phase) for phase in verification.phases],
        "new": [_new_json(place, verification.found[place]) for place in verification.new],
        "open": [one.finding.number for one in verification.findings if one.is_open],
        "calibration": {
            "file": origin.calibration or None,
            "eligible": origin.eligible,
            "added": origin.added,
            "realised": {name: asdict(realised) for name, realised in origin.realised.items()},
        },
    }
    return json.dumps(content, indent=1) + "\n"


def _known(fingerprint: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fingerprint.items() if value is not None}


def _speed_json(speed: Speed | None) -> dict[str, Any] | None:
    return asdict(speed) if speed else None


def _finding_json(one: VerifiedFinding) -> dict[str, Any]:
    finding, result = one.finding, one.result
    return {
        "id": finding.number,
        "detector": finding.detector,
        "phase": finding.phase,
        "process": finding.pid,
        "claim": finding.claim,
        "target": {
            "text": str(finding.target),
            "state": result.state.name.lower(),
            "before": finding.measured,
            "now": result.value,
            "values": list(result.values),
            "met_in": result.met_in,
            "problem": result.problem or None,
        },
        "predicted": _gain_json(finding.gain),
        "realised": _credit_json(one.credit, one.reasons) if one.credit else None,
        "found_again": None if one.again is None else new_label(one.again),
        "is_open": one.is_open,
    }


def _gain_json(gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    return {
        "low_ns": gain.low_ns,
        "high_ns": gain.high_ns,
        "step_ns": gain.step_ns,
        "of_mean_step": gain.of_mean_step,
    }


def _credit_json(credit: Credit, reasons: tuple[Reason, ...]) -> dict[str, Any]:
    return {
        "verdict": credit.kept.name.lower(),
        "gain_ns": credit.realised_ns,
        "interval_ns": credit.interval_ns and list(credit.interval_ns),
        "spread_ns": credit.spread_ns and list(credit.spread_ns),
        "basis": credit.basis.value,
        "share": credit.share,
        "together": {
            "findings": list(credit.together),
            "low_ns": credit.low_ns,
            "high_ns": credit.high_ns,
            "gain_ns": credit.promise_ns,
            "share": credit.promise_share,
        },
        "reasons": [_reason_json(reason, credit) for reason in reasons],
    }


def _reason_json(reason: Reason, credit: Credit) -> dict[str, Any]:
    return {"kind": reason.kind.value, "sentence": reason_sentence(reason, several=is_joint(credit))}


def _phase_json(phase: PhaseChange) -> dict[str, Any]:
    return {
        "phase": phase.phase,
        "process": phase.pid,
        "before_steps": list(phase.before_steps),
        "after_steps": list(phase.after_steps),
        "median_step": _change_json(phase.changes[Basis.MEDIAN]),
        "mean_step": _change_json(phase.changes[Basis.MEAN]),
        "parts_of": f"{phase.parts_of.value}_step",
        "parts": [_part_json(part) for part in phase.told_parts],
    }


def _change_json(change: StepChange) -> dict[str, Any]:
    return {**_estimate_json(change.estimate), "gains_ns": list(change.gains_ns)}


def _estimate_json(time: Estimate) -> dict[str, Any]:
    return {
        "before_ns": time.before,
        "after_ns": time.after,
        "delta_ns": time.difference,
        "interval_ns": time.interval and list(time.interval),
        "significant": time.is_significant,
    }


def _part_json(part: PartChange) -> dict[str, Any]:
    return {
        "label": part.label,
        "is_idle": part.is_idle,
        **_estimate_json(part.time),
        "spoken_of_by": list(part.spoken_of_by),
    }


def _new_json(place: int, found: FoundNow) -> dict[str, Any]:
    finding = found.finding
    return {
        "id": new_label(place),
        "detector": finding.detector,
        "phase": finding.phase,
        "process": finding.pid,
        "claim": finding.claim,
        "gain": _gain_json(finding.gain),
        "target": {"text": str(finding.target), "measured": found.measured},
    }
