"""Measures targets on a capture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.analysis.idle import IdleKind
from workbench.findings import chains, selection
from workbench.findings.target import Target
from workbench.findings.view import PhaseView, phase_views
from workbench.trace.columns import IntArray

_CALLS = {
    "allocate": (CallKind.ALLOCATE,),
    "free": (CallKind.FREE,),
    "synchronize": (CallKind.SYNCHRONIZE, CallKind.BLOCKING_COPY),
    "module_load": (CallKind.MODULE_LOAD,),
}
_IDLE = {
    "launch_starved_ns": IdleKind.LAUNCH,
    "synchronizing_ns": IdleKind.SYNCHRONIZING,
    "in_graph_ns": IdleKind.GRAPH,
}


@dataclass(frozen=True)
class Measured:
    """A measured value, or why there is none."""

    value: float | None
    problem: str = ""


def measure(analysis: Analysis, target: Target) -> Measured:
    """What a capture says about a target."""
    if target.subject == "hidden_graphs":
        totals = analysis.totals
        return Measured(totals.hidden_graph_count if target.measure == "calls" else totals.hidden_graph_ns)
    views = [view for view in phase_views(analysis) if view.phase == target.phase]
    if not views:
        return Measured(None, f"the capture has no steps of phase {target.phase}")
    values = [value for view in views if (value := _value(view, target)) is not None]
    if not values and target.measure == "serial_share":
        return Measured(None, f"no kernel of phase {target.phase} was launched early enough to overlap the one ahead")
    if not values:
        return Measured(None, f"phase {target.phase} has nothing that is {target.subject}{list(target.names) or ''}")
    return Measured(_worst(values, target))


def _worst(values: Sequence[float], target: Target) -> float:
    """The value, among those of several processes, that is furthest from fulfilling the target."""
    match target.comparison:
        case "<=":
            return max(values)
        case ">=":
            return min(values)
        case _:
            return max(values, key=lambda value: abs(value - target.value))


def _value(view: PhaseView, target: Target) -> float | None:
    values = _values(view, target)
    if target.measure in ("outliers", "stalls"):
        return float(values.sum())
    if not len(values):
        return None
    return float(np.median(values) if "ns" in target.measure.split("_") else np.mean(values))


def _values(view: PhaseView, target: Target) -> NDArray[np.float64]:
    """The measure's value in each step (of each kernel, for means); empty where it cannot be told."""
    if target.subject == "step":
        return _step_values(view, target.measure).astype(np.float64)
    if target.subject in _CALLS:
        rows = view.calls_of(*_CALLS[target.subject])
        step = np.searchsorted(view.steps, view.analysis.attribution.placement.call_step[rows])
        calls = view.trace.calls
        return _by_step(view, step, calls.end_ns[rows] - calls.start_ns[rows] if _is_time(target) else None)
    if (target.subject, target.measure) == ("role", "busy_ns"):
        rows = selection.operations_of_role(view, *target.names)
        return view.added_of_step_ns(rows).astype(np.float64) if len(rows) else np.empty(0, np.float64)
    if target.subject.startswith("mem"):
        rows, sizes = selection.memory_operations(view, target.subject)
        weights = {"ns_per_step": view.duration_ns(rows), "bytes_per_step": sizes}.get(target.measure)
        return _by_step(view, view.step_of(rows), weights)
    return _kernel_values(view, target)


def _kernel_values(view: PhaseView, target: Target) -> NDArray[np.float64]:
    """As `_values`, for subjects that are kernels: where there are none, only that they are gone can be told."""
    is_told = False
    match target.subject:
        case "kernel":
            rows = selection.kernels_named(view, *target.names)
            is_told = target.measure == "calls_per_step"
        case "pair":
            rows = selection.pair_followers(view, *target.names)
            is_told = any(len(selection.kernels_named(view, name)) for name in target.names)
        case "projections":
            rows = selection.block_inputs(view, *target.names)
        case _:
            rows = selection.kernels_of_layers(view, *target.names)
    if not len(rows) and not is_told:
        return np.empty(0, np.float64)
    match target.measure:
        case "mean_ns":
            return view.duration_ns(rows).astype(np.float64)
        case "kernel_names":
            rows = rows[selection.matmuls(view, rows)]
            return np.array([len(np.unique(view.trace.kernels.demangled[rows]))], np.float64)
        case "calls_per_layer" | "kernels_per_layer":
            return np.array([len(rows) / selection.layer_instances(view, rows)])
    return _by_step(view, view.step_of(rows), view.duration_ns(rows) if _is_time(target) else None)


def _is_time(target: Target) -> bool:
    return target.measure == "ns_per_step"


def _by_step(view: PhaseView, step: IntArray, weights: IntArray | None) -> NDArray[np.float64]:
    return np.bincount(step, weights, minlength=view.step_count).astype(np.float64)


def _step_values(view: PhaseView, name: str) -> IntArray:
    costs = view.analysis.step_costs
    values: dict[str, Callable[[], IntArray]] = {
        "wall_ns": lambda: view.wall_ns,
        "busy_ns": lambda: costs.busy_ns[view.steps],
        "launches": lambda: costs.launches[view.steps],
        "graph_launches": lambda: costs.calls[view.steps, CallKind.GRAPH_LAUNCH],
        "kernels": lambda: costs.kernels[view.steps],
        "serial_share": lambda: chains.successions(view).is_serial,
        "tiny_kernels": lambda: np.bincount(view.step_of(selection.tiny_kernels(view)), minlength=view.step_count),
        "outliers": lambda: selection.outliers(view),
        "stalls": lambda: np.ones(len(selection.long_waits(view)), np.int64),
    }
    return view.idle_ns(_IDLE[name]) if name in _IDLE else values[name]()
