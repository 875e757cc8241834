"""Roles that take far longer than their bytes and operations need on the device."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.roofline import RoleRoofline
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import MINOR_SHARE, Detection, Effort, Finding
from workbench.findings.gain import gain
from workbench.findings.selection import kernels_of_layers, operations_of_role
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray

# So many roles of a phase are told, those with the most headroom.
MOST_ROLES = 3
# What work on a role is asked to save of its headroom.
ASKED_FOR = 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for roles whose headroom is more than a percent of a step."""
    if not analysis.footprint.needs:
        return Detection(lacking="no manifest says what bytes each role needs and how fast the device copies")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    roles = view.roofline.roles if view.roofline else ()
    worth_it = [
        role
        for role in roles
        # A loose floor would promise what no device can do.
        if (role.headroom_ns or 0) > MINOR_SHARE * view.median_wall_ns and not role.is_loose
    ]
    for role in worth_it[:MOST_ROLES]:
        kernels = kernels_of_layers(view, role.layer_type, role.role)
        if len(kernels):
            yield _finding(view, role, kernels)


def _finding(view: PhaseView, role: RoleRoofline, kernels: IntArray) -> Finding:
    name = f"{role.layer_type} {role.role}"
    floor_ns, headroom_ns = role.floor_ns or 0.0, role.headroom_ns or 0.0
    above_ns = view.added_of_step_ns(operations_of_role(view, role.layer_type, role.role)) - floor_ns
    bounded_ns = np.minimum(above_ns, headroom_ns)
    basis = (
        f"measured {role.measured_ns / 1000:.4g} µs a step less a floor of {floor_ns / 1000:.4g} µs; no role reaches "
        "its floor altogether"
    )
    if headroom_ns < role.measured_ns - floor_ns:
        basis += ", and others that ran within its time need it: no more than all roles of the phase have together"
    if view.is_launch_bound:
        basis += "; nothing as long as the phase is launch-bound"
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{name} runs at {role.share or 0.0:.0%} of its roofline: {headroom_ns / 1000:.4g} µs a step above its "
        "floor.",
        evidence=(kernel_evidence(view, kernels, f"Kernels of {name}"),),
        hypothesis="Too few bytes are in flight, or the work is cut so that a part of the GPU waits for the rest: at "
        "the start and the end of each kernel, most of all where kernels are short.",
        remedy="Load more and wider at a time, give every multiprocessor as much to do, let a kernel's start overlap "
        "its predecessor's end, and fuse it with its neighbours.",
        gain=gain(view, np.zeros(view.step_count), bounded_ns, basis),
        effort=Effort.MEDIUM,
        risk="The floor takes every byte once, at the speed of a large copy; small pieces never move as fast.",
        target=Target(
            "role",
            "busy_ns",
            "<=",
            int(role.measured_ns - ASKED_FOR * headroom_ns),
            view.phase,
            (role.layer_type, role.role),
        ),
    )
