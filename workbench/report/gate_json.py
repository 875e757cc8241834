"""Renders what gates say as JSON, schema `wb.gate/1`."""

import json
from typing import Any

from workbench.gate.verdict import GateReport, GateResult, Line, ModelVerdict
from workbench.report.gate import SCHEMA, verdict


def to_json(report: GateReport) -> str:
    """The report as a JSON document; what cannot be known is null."""
    content = {
        "schema": SCHEMA,
        "verdict": verdict(report),
        "status": report.status.name.lower(),
        "exit_code": report.exit_code,
        "baseline": report.baseline,
        "tolerance": report.tolerance,
        "models": [_model_json(model) for model in report.models],
    }
    return json.dumps(content, indent=1) + "\n"


def _model_json(model: ModelVerdict) -> dict[str, Any]:
    return {
        "model": model.model,
        "status": model.status.name.lower(),
        "gates": [_gate_json(gate) for gate in model.gates],
        "remarks": list(model.remarks),
    }


def _gate_json(gate: GateResult) -> dict[str, Any]:
    return {
        "gate": gate.gate,
        "status": gate.status.name.lower(),
        "sentence": gate.sentence,
        "lines": [_line_json(line) for line in gate.lines],
    }


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "status": line.status.name.lower(),
        "unit": line.unit or None,
        "baseline": line.baseline,
        "now": line.now,
        "change": line.change,
        "interval": line.interval and list(line.interval),
        "smallest": line.smallest,
        "sentence": line.sentence or None,
    }
