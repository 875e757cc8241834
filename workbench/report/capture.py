"""The capture, its coverage and its phases, as every report shows them."""

from collections.abc import Sequence
from typing import Any

from workbench.analysis.coverage import Coverage, Totals
from workbench.analysis.phases import PhaseSummary
from workbench.recorders import ENGINE_CPU, notice_of
from workbench.report import quantities
from workbench.trace.model import CaptureInfo, Device

# What raises coverage, by the reason that lowers it.
REMEDIES = {
    "no_launch_record": "trace API calls as well (`nsys profile --trace=cuda,nvtx`), from before the first launch on",
    "node_created_outside_capture": "start the capture before the CUDA graphs are built",
    "no_range": "put NVTX ranges around the modules that launch these kernels",
    "no_rule": "add a rule for these ranges or kernels (`wb rules explain CAPTURE KERNEL` prints a stub)",
}
SOURCES = {"ranges": "ranges", "graph_launches": "inferred from graph launches", "inferred": "inferred from kernels"}


def notice(info: CaptureInfo) -> str:
    """What stands on the first line of whatever is said of a capture; empty where there is nothing."""
    return notice_of(info.recorder)


def notice_json(info: CaptureInfo) -> dict[str, str]:
    """The same, for JSON."""
    return {"notice": notice(info)} if notice(info) else {}


def capture_json(info: CaptureInfo, devices: Sequence[Device]) -> dict[str, Any]:
    """The capture, for JSON."""
    return {
        "file": info.file_name,
        "recorder": ENGINE_CPU if info.is_of_cpu else "nsys",
        "nsys_version": "" if info.is_of_cpu else info.nsys_version,
        "schema_version": info.schema_version,
        "recorded_utc": info.recorded_utc,
        "devices": [
            {
                "id": device.id,
                "name": device.name,
                "sm_count": device.sm_count,
                "memory_bandwidth_bytes_per_s": device.memory_bandwidth_bytes_per_s,
                "compute_capability": f"{device.compute_capability[0]}.{device.compute_capability[1]}",
            }
            for device in devices
        ],
        "lacks": [{"what": lack.what, "cost": lack.cost} for lack in info.lacks],
        "warnings": list(info.warnings),
    }


def totals_json(totals: Totals) -> dict[str, Any]:
    """The sums over the capture, for JSON."""
    return {
        "kernel_ns": totals.kernel_ns,
        "kernel_count": totals.kernel_count,
        "memop_ns": totals.memop_ns,
        "memop_count": totals.memop_count,
        "hidden_graph_ns": totals.hidden_graph_ns,
        "hidden_graph_count": totals.hidden_graph_count,
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """The coverage, for JSON."""
    return {
        "attributed_ns": coverage.attributed_ns,
        "attributed_share": coverage.attributed_share,
        "attributed_by_range_ns": coverage.by["range"],
        "attributed_by_kernel_name_ns": coverage.by["kernel_name"],
        "unattributed": [
            {"reason": entry.reason.label, "kernel_ns": entry.kernel_ns, "kernel_count": entry.kernel_count}
            for entry in coverage.unattributed
        ],
    }


def phase_json(phase: PhaseSummary, pid: int) -> dict[str, Any]:
    """One phase, for JSON."""
    return {
        "process": pid,
        "phase": phase.phase,
        "steps": phase.steps,
        "steps_source": phase.steps_source,
        "wall_ns": phase.wall_ns,
        "busy_ns": phase.busy_ns,
        "idle_ns": {kind.label: waited_ns for kind, waited_ns in phase.idle_ns.items()},
        "kernel_count": phase.kernels,
        "kernel_ns": phase.kernel_ns,
        "attributed_ns": phase.attributed_ns,
        "memop_count": phase.memops,
        "memop_ns": phase.memop_ns,
        "hidden_graph_ns": phase.hidden_graph_ns,
        "launches": phase.launches,
        "graph_launches": phase.graph_launches,
        "api_ns": phase.api_ns,
    }


def coverage_sentences(totals: Totals, coverage: Coverage) -> list[str]:
    """Coverage in words: how much is attributed and how, what is not and what would help, what is hidden."""
    how = [
        f"{quantities.share(part_ns / totals.kernel_ns)} by {name}"
        for name, part_ns in (("range", coverage.by["range"]), ("kernel name", coverage.by["kernel_name"]))
        if part_ns
    ]
    sentences = [
        f"{quantities.share(coverage.attributed_share)} of {quantities.time(totals.kernel_ns)} kernel time "
        f"({quantities.counted(totals.kernel_count, 'kernel')}) is attributed to layers"
        + (f": {', '.join(how)}." if how else ".")
    ]
    for entry in coverage.unattributed:
        label, kernels = entry.reason.label, quantities.counted(entry.kernel_count, "kernel")
        sentences.append(
            f"Not attributed, {label}: {quantities.time(entry.kernel_ns)} in {kernels}; to raise coverage, "
            f"{REMEDIES[label]}."
        )
    if totals.hidden_graph_count:
        sentences.append(
            f"Hidden, outside these sums: {quantities.counted(totals.hidden_graph_count, 'graph launch')} of "
            f"{quantities.time(totals.hidden_graph_ns)}, recorded without kernels; capture with "
            "`--cuda-graph-trace=node` to see them."
        )
    return sentences
