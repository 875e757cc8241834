"""How far each role is from the least time that its bytes and operations need on the device.

A floor needs no profiler counters: the program says what a role must move and compute, and how fast the device
copied in the same run. What a role takes beyond its floor is its headroom (Williams, Waterman, Patterson: Roofline).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.footprint import Footprint, RoleNeed
from workbench.analysis.steps import StepCosts, positions_among, rows_of_phase, sum_by
from workbench.attribution.attribution import Attribution
from workbench.attribution.rules import PHASES
from workbench.trace.columns import IntArray
from workbench.trace.model import NONE

# Beyond so many operations a byte any device computes longer than it moves, so bytes alone are no floor worth
# the name; matrix products of a batch of one do one or two.
MOST_OPERATIONS_A_BYTE = 32


@dataclass(frozen=True)
class RoleRoofline:
    """One role of a phase, in a step.

    Attributes:
        layer_type, role: which.
        bytes, operations: what it needs; None where the program does not say.
        floor_ns: the least time for that; None likewise.
        is_loose: the floor counts bytes alone, though it is operations that take the time.
        measured_ns: the time that it adds to the step's busy time, the median over the steps.
        most_ns: more than this cannot be its headroom: all roles of the phase together have no more.
    """

    layer_type: str
    role: str
    bytes: int | None
    operations: int | None
    floor_ns: float | None
    is_loose: bool
    measured_ns: int
    most_ns: float

    @property
    def share(self) -> float | None:
        """Of its time, the part that it needs at least.

        Above 1 where it moved bytes while an earlier operation ran, whose time that is, or where caches served them.
        """
        return None if self.floor_ns is None else self.floor_ns / max(1, self.measured_ns)

    @property
    def headroom_ns(self) -> float | None:
        """What it takes beyond its floor; less where others did their work within its time."""
        return None if self.floor_ns is None else min(max(0.0, self.measured_ns - self.floor_ns), self.most_ns)


@dataclass(frozen=True)
class PhaseRoofline:
    """A phase of a process whose program says what its roles need.

    Attributes:
        process, phase: which.
        bytes: what a step moves at least, over all roles.
        floor_ns: the least time for all roles, one after another.
        is_loose: some role's floor is.
        step_ns: the median step's wall time.
        roles: those that ran, the most headroom first; then those that the program says nothing of.
    """

    process: int
    phase: str
    bytes: int
    floor_ns: float
    is_loose: bool
    step_ns: int
    roles: tuple[RoleRoofline, ...]

    @property
    def share(self) -> float:
        """Of a step, idle time included, the part that it needs at least."""
        return self.floor_ns / max(1, self.step_ns)

    @property
    def headroom_ns(self) -> float:
        """What a step, idle time included, takes beyond its floor."""
        return max(0.0, self.step_ns - self.floor_ns)

    def of(self, layer_type: str, role: str) -> RoleRoofline | None:
        """The role, if it ran."""
        return next((found for found in self.roles if (found.layer_type, found.role) == (layer_type, role)), None)


def rooflines(
    attribution: Attribution, costs: StepCosts, added_ns: IntArray, footprint: Footprint
) -> tuple[PhaseRoofline, ...]:
    """The rooflines of all phases that the footprint tells of.

    Args:
        attribution: what ran.
        costs: what each step costs.
        added_ns: what each operation adds to its process's busy time, shape (operations,).
        footprint: what the program says. It speaks of one process: where several have steps, nothing is said.
    """
    steps = attribution.placement.steps
    processes = np.unique(steps.process)
    if len(processes) != 1 or not footprint.needs:
        return ()
    process = int(processes[0])
    found = []
    for phase in sorted({need.phase for need in footprint.needs}, key=PHASES.index):
        rows = np.flatnonzero(rows_of_phase(steps, process, PHASES.index(phase)))
        if len(rows):
            times = _times_by_role(attribution, rows, added_ns)
            found.append(_of_phase(process, phase, int(np.median(costs.wall_ns[rows])), times, footprint))
    return tuple(found)


def floor_ns(need: RoleNeed, footprint: Footprint) -> float:
    """The least time in which the device can do what a role needs."""
    moving_ns = need.bytes / footprint.bytes_per_s * 1e9
    if footprint.operations_per_s is None:
        return moving_ns
    return max(moving_ns, need.operations / footprint.operations_per_s * 1e9)


def _of_phase(
    process: int, phase: str, step_ns: int, times_ns: dict[tuple[str, str], int], footprint: Footprint
) -> PhaseRoofline:
    needs = {(need.layer_type, need.role): need for need in footprint.needs if need.phase == phase}
    floors_ns = {key: floor_ns(need, footprint) for key, need in needs.items() if key in times_ns}
    most_ns = max(0.0, sum(times_ns[key] - floors_ns[key] for key in floors_ns))
    roles = [_role(key, needs.get(key), measured_ns, most_ns, footprint) for key, measured_ns in times_ns.items()]
    # What the program says nothing of has no headroom.
    roles.sort(key=lambda role: (role.headroom_ns is None, -(role.headroom_ns or 0), -role.measured_ns))
    return PhaseRoofline(
        process=process,
        phase=phase,
        bytes=sum(need.bytes for need in needs.values()),
        floor_ns=sum(floor_ns(need, footprint) for need in needs.values()),
        is_loose=any(_is_loose(need, footprint) for need in needs.values()),
        step_ns=step_ns,
        roles=tuple(roles),
    )


def _role(
    key: tuple[str, str], need: RoleNeed | None, measured_ns: int, most_ns: float, footprint: Footprint
) -> RoleRoofline:
    return RoleRoofline(
        *key,
        bytes=need.bytes if need else None,
        operations=need.operations if need else None,
        floor_ns=floor_ns(need, footprint) if need else None,
        is_loose=need is not None and _is_loose(need, footprint),
        measured_ns=measured_ns,
        most_ns=most_ns,
    )


def _is_loose(need: RoleNeed, footprint: Footprint) -> bool:
    return footprint.operations_per_s is None and need.operations > MOST_OPERATIONS_A_BYTE * need.bytes


def _times_by_role(attribution: Attribution, rows: NDArray[np.int64], added_ns: IntArray) -> dict[tuple[str, str], int]:
    """The median, over some steps, of what the operations of each layer type and role add to a step's busy time."""
    keys = [(leaf.layer_type, leaf.role) for leaf in attribution.leaves]
    distinct = sorted(set(keys))
    key_of_leaf = np.array([distinct.index(key) for key in keys], np.int64)
    step_of = positions_among(rows, attribution.placement.step, len(attribution.placement.steps))
    own = np.flatnonzero((step_of != NONE) & (attribution.leaf != NONE))
    key_of = key_of_leaf[attribution.leaf[own]]
    times = {}
    for number in np.unique(key_of).tolist():
        of_key = own[key_of == number]
        times[distinct[number]] = int(np.median(sum_by(step_of[of_key], added_ns[of_key], len(rows))))
    return times
