"""Few kernels that hold most of a phase's time."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_shortening
from workbench.findings.selection import exact_name, readable_name
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.grouping import group_rows

MOST_KERNELS = 5
LEAST_SHARE = 0.8
# What work on a kernel is assumed to save, to say what it would be worth.
SAVED = 0.1


def detect(analysis: Analysis) -> Detection:
    """Looks for phases in which at most five kernels hold 80 % of the kernel time."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    name = view.trace.kernels.demangled[view.kernels]
    group, first = group_rows(name)
    total_ns = np.bincount(group, view.duration_ns(view.kernels), len(first))
    order = np.argsort(-total_ns, kind="stable")
    held = np.cumsum(total_ns[order]) / max(1.0, total_ns.sum())
    needed = int(np.searchsorted(held, LEAST_SHARE)) + 1
    if needed > MOST_KERNELS or len(first) <= needed:
        return
    rows = view.kernels[np.isin(group, order[:needed])]
    a_step_ns = [view.median_of_step_ns(view.kernels[group == number]) for number in order[:needed]]
    heaviest = int(np.argmax(a_step_ns))
    if not a_step_ns[heaviest]:
        return
    heaviest_row = int(view.kernels[first[order[heaviest]]])
    above_floor = view.above_floor(rows)
    has_floors = not np.isnan(above_floor).any()
    of_heaviest = view.trace.kernels.demangled[rows] == view.trace.kernels.demangled[heaviest_row]
    saved = min(SAVED, float(above_floor[of_heaviest].mean())) if has_floors else SAVED
    most_ns = int((1 - saved) * a_step_ns[heaviest])
    if most_ns >= a_step_ns[heaviest]:
        return
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{needed} of {len(first)} kernels hold {held[needed - 1]:.0%} of {view.phase}'s kernel time.",
        evidence=(kernel_evidence(view, rows, "The heaviest kernels", MOST_KERNELS),),
        hypothesis="The phase is bound by what these kernels do; everything else is small beside them.",
        remedy=f"Compare them with their floor (bytes over bandwidth, operations over rate), "
        f"{readable_name(view, heaviest_row)} first.",
        gain=gain_of_shortening(view, rows, above_floor, "down to the floors of their roles")
        if has_floors
        else gain_of_shortening(view, rows, SAVED, f"as if each took {SAVED:.0%} less time (an estimate)"),
        effort=Effort.LARGE,
        risk="The last part of the way to a floor is the hardest."
        if has_floors
        else "They may be at their floor already.",
        target=Target("kernel", "ns_per_step", "<=", most_ns, view.phase, (exact_name(view, heaviest_row),)),
    )
