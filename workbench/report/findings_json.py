"""Renders a findings report as JSON, schema `wb.findings/1`."""

import json
from dataclasses import asdict
from typing import Any

from workbench.analysis.step_profile import StepProfile
from workbench.findings.calibration import Realised
from workbench.findings.counterpart import CounterpartCapture
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import CallTime, Gain
from workbench.findings.target import Target
from workbench.manifest import Manifest
from workbench.report.capture import capture_json, coverage_json, notice_json, phase_json, totals_json
from workbench.report.findings import SCHEMA, Entry, entries
from workbench.report.roofline import roofline_json


def to_json(document: FindingsDocument, manifest: Manifest | None = None) -> str:
    """The report as a JSON document; `manifest` is what is known of the program and its capture."""
    content = {
        **notice_json(document.info),
        "schema": SCHEMA,
        "capture": capture_json(document.info, document.devices),
        "manifest": manifest and json.loads(manifest.to_json()),
        "graphs": None if document.graphs is None else _mode(document.graphs),
        "counterpart": _counterpart_capture_json(document.counterpart),
        "totals": totals_json(document.totals),
        "coverage": coverage_json(document.coverage),
        "phases": [phase_json(phase, document.pids[phase.process]) for phase in document.phases],
        "median_steps": [_profile_json(profile, document.pids[profile.process]) for profile in document.profiles],
        "rooflines": [roofline_json(roofline, document.pids[roofline.process]) for roofline in document.rooflines],
        "findings": [_finding_json(entry) for entry in entries(document)],
        "lacking": document.findings.lacking,
        "silent": list(document.findings.silent),
        "limitations": list(document.limitations),
    }
    return json.dumps(content, indent=1) + "\n"


def _profile_json(profile: StepProfile, pid: int) -> dict[str, Any]:
    return {
        "process": pid,
        "phase": profile.phase,
        "step": profile.step,
        "wall_ns": profile.wall_ns,
        "parts": [
            {"label": part.label, "is_idle": part.is_idle, "time_ns": part.time_ns, "operations": part.operations}
            for part in profile.parts
        ],
    }


def _finding_json(entry: Entry) -> dict[str, Any]:
    finding = entry.finding
    return {
        "id": entry.number,
        "detector": finding.detector,
        "phase": finding.phase,
        "process": finding.pid,
        "claim": finding.claim,
        "evidence": [
            {
                "title": evidence.title,
                "columns": list(evidence.columns),
                "rows": [list(row) for row in evidence.rows],
                "sql": evidence.sql,
            }
            for evidence in finding.evidence
        ],
        "hypothesis": finding.hypothesis,
        "remedy": finding.remedy,
        "gain": _gain_json(finding.gain),
        "counterpart": _counterpart_json(entry),
        "calibration": _calibration_json(entry.realised),
        "api_ns": _call_time_json(finding.call_time),
        "effort": finding.effort.value,
        "risk": finding.risk,
        "target": _target_json(finding.target, entry.measured),
    }


def _mode(graphs: bool) -> str:
    return "on" if graphs else "off"


def _gain_json(gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    return {
        "low_ns": gain.low_ns,
        "high_ns": gain.high_ns,
        "step_ns": gain.step_ns,
        "of_mean_step": gain.of_mean_step,
        "steps": gain.steps,
        "basis": gain.basis,
    }


def _counterpart_json(entry: Entry) -> dict[str, Any] | None:
    if entry.counterpart is None or entry.other_graphs is None:
        return None
    arises, gain = entry.counterpart.arises, entry.counterpart.gain
    return {"graphs": _mode(entry.other_graphs), "arises": arises, "gain": _gain_json(gain)}


def _counterpart_capture_json(counterpart: CounterpartCapture | None) -> dict[str, Any] | None:
    return {"file": counterpart.file_name, "graphs": _mode(counterpart.graphs)} if counterpart else None


def _calibration_json(realised: Realised | None) -> dict[str, Any] | None:
    return asdict(realised) if realised else None


def _call_time_json(time: CallTime | None) -> dict[str, int] | None:
    return {"total": time.total_ns, "critical": time.critical_ns, "hidden": time.hidden_ns} if time else None


def _target_json(target: Target, measured: float | None) -> dict[str, Any]:
    return {
        "text": str(target),
        "subject": target.subject,
        "names": list(target.names),
        "measure": target.measure,
        "comparison": target.comparison,
        "value": target.value,
        "phase": target.phase,
        "measured": measured,
    }
