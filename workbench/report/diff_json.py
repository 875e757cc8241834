"""Renders a comparison as JSON, schema `wb.diff/1`."""

import json
from dataclasses import asdict
from typing import Any

from workbench.compare.comparability import FieldDifference, Kind
from workbench.compare.comparison import CaptureSet, Comparison, NamedTotals
from workbench.compare.estimate import Estimate
from workbench.compare.kernel_labels import kernel_labels, pair_label
from workbench.compare.matching import Relation
from workbench.compare.measurement import Kernel
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.compare.rows import KernelPair, Row

SCHEMA = "wb.diff/1"
COMPARABLE, NOT_FULLY_KNOWN = "comparable", "not fully known"


def to_json(comparison: Comparison) -> str:
    """The comparison as a JSON document; what cannot be known is null."""
    labels = kernel_labels(comparison)
    phase = comparison.phase
    content = {
        "schema": SCHEMA,
        "vary": list(comparison.vary),
        "before": _side_json(comparison.before, comparison),
        "after": _side_json(comparison.after, comparison),
        "comparable": {
            "verdict": _verdict(comparison),
            "differences": [_difference_json(one) for one in comparison.differences],
        },
        "results": {"verdict": comparison.results.verdict.value, "text": comparison.results.sentence},
        "step": _step_json(phase.step if phase else None),
        "rows": [_row_json(row, labels) for row in comparison.rows],
        "unpaired": [
            {**_place_json(row), **_pair_json(pair, labels)}
            for row in comparison.rows
            for pair in row.kernels
            if pair.relation is Relation.UNPAIRED
        ],
        "api": None if comparison.calls is None else [_call_json(one) for one in comparison.calls],
        "memops": None if comparison.memops is None else [_memop_json(one) for one in comparison.memops],
        "step_api": [_call_json(one) for one in comparison.step_calls],
        "step_memops": [_memop_json(one) for one in comparison.step_memops],
    }
    return json.dumps(content, indent=1) + "\n"


def _verdict(comparison: Comparison) -> str:
    unknown = any(one.kind is Kind.UNKNOWN for one in comparison.differences)
    return NOT_FULLY_KNOWN if unknown or not comparison.phases else COMPARABLE


def _side_json(side: CaptureSet, comparison: Comparison) -> dict[str, Any]:
    return {
        "name": side.name,
        "captures": [capture.name for capture in side.captures],
        "has_times": side.has_times,
        "steps": {
            phase.phase: sum(one.steps for one in side.phases(phase.phase))
            for phase in comparison.phases
            if side.phases(phase.phase)
        },
        "fingerprint": {name: value for name, value in asdict(side.fingerprint).items() if value is not None},
        "unprofiled": side.unprofiled and asdict(side.unprofiled),
    }


def _difference_json(one: FieldDifference) -> dict[str, Any]:
    return {"field": one.field, "before": one.before, "after": one.after, "kind": one.kind.value}


def _step_json(step: ReconciledStep | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {
        "phase": step.phase,
        "before_steps": step.before_steps,
        "after_steps": step.after_steps,
        "before_ns": step.wall.before,
        "after_ns": step.wall.after,
        "delta_ns": step.wall.difference,
        "before_median_ns": step.before_median,
        "after_median_ns": step.after_median,
        **_certainty_json(step.wall),
        "contributions": [_contribution_json(part) for part in step.contributions],
        "residual_ns": step.residual,
    }


def _contribution_json(part: Contribution) -> dict[str, Any]:
    return {
        "label": part.label,
        "is_idle": part.is_idle,
        "before_ns": part.time.before,
        "after_ns": part.time.after,
        "delta_ns": part.time.difference,
        **_certainty_json(part.time),
        "split": part.split
        and {
            "launches_ns": part.split.launches,
            "time_a_call_ns": part.split.time_a_call,
            "swapped_ns": part.split.swapped,
            "overlap_ns": part.split.overlap,
        },
    }


def _certainty_json(time: Estimate | None) -> dict[str, Any]:
    """What is known of a difference beside its size."""
    if time is None:
        return dict.fromkeys(("interval_ns", "p_value", "noise_ns", "smallest_ns", "significant"))
    return {
        "interval_ns": time.interval and list(time.interval),
        "p_value": time.p_value,
        "noise_ns": time.noise,
        "smallest_ns": time.smallest,
        "significant": time.is_significant,
    }


def _place_json(row: Row) -> dict[str, Any]:
    return {"phase": row.phase, "layer_type": row.layer_type, "role": row.role}


def _row_json(row: Row, labels: dict[Kernel, str]) -> dict[str, Any]:
    return {
        **_place_json(row),
        "before_ns_per_step": row.before_ns_per_step,
        "after_ns_per_step": row.after_ns_per_step,
        "delta_ns_per_step": row.time and row.time.difference,
        **_certainty_json(row.time),
        "busy": {
            "before_ns_per_step": row.before_busy_ns_per_step,
            "after_ns_per_step": row.after_busy_ns_per_step,
            "delta_ns_per_step": row.busy and row.busy.difference,
            **_certainty_json(row.busy),
        },
        "kernels": [_pair_json(pair, labels) for pair in row.kernels],
    }


def _pair_json(pair: KernelPair, labels: dict[Kernel, str]) -> dict[str, Any]:
    return {
        "kernel": pair_label(pair, labels),
        "before_ns": pair.before and pair.before.total_ns,
        "after_ns": pair.after and pair.after.total_ns,
        "before_count": pair.before and pair.before.count,
        "after_count": pair.after and pair.after.count,
        "relation": pair.relation.value,
    }


def _call_json(one: NamedTotals) -> dict[str, Any]:
    return {
        "name": one.name,
        "before_calls": one.before and one.before.count,
        "after_calls": one.after and one.after.count,
        "before_ns": one.before and one.before.total_ns,
        "after_ns": one.after and one.after.total_ns,
        "before_critical_ns": one.before and one.before.critical_ns,
        "after_critical_ns": one.after and one.after.critical_ns,
    }


def _memop_json(one: NamedTotals) -> dict[str, Any]:
    return {
        "name": one.name,
        "before_count": one.before and one.before.count,
        "after_count": one.after and one.after.count,
        "before_ns": one.before and one.before.total_ns,
        "after_ns": one.after and one.after.total_ns,
        "before_bytes": one.before and one.before.bytes,
        "after_bytes": one.after and one.after.bytes,
    }
