"""Compares one phase of two sets of captures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.steps import median_step
from workbench.compare.estimate import Estimate, estimates
from workbench.compare.grouping import GroupedPhase, group_phase
from workbench.compare.measurement import PhaseMeasurement
from workbench.compare.reconciliation import Contribution, ReconciledStep, part_labels, splits, step_parts
from workbench.compare.rows import RoleGroups, Row, kernel_pairs, role_groups
from workbench.compare.statistics import error_of_mean


@dataclass(frozen=True)
class PhaseComparison:
    """A phase on both sides.

    Attributes:
        phase: its name.
        before_steps, after_steps: its steps, over all captures.
        before_captures, after_captures: how many captures have it.
        step: its mean step reconciled; None where a side has no steps.
        rows: its kernels by layer type and role.
    """

    phase: str
    before_steps: int
    after_steps: int
    before_captures: int
    after_captures: int
    step: ReconciledStep | None
    rows: tuple[Row, ...]


def compare_phase(phase: str, before: Sequence[PhaseMeasurement], after: Sequence[PhaseMeasurement]) -> PhaseComparison:
    """Compares a phase.

    Args:
        phase: its name.
        before: the phase in each capture of BEFORE that has it.
        after: the same of AFTER; one of both may be empty.
    """
    grouped = group_phase(before, after)
    has_steps = all(side and all(capture.steps for capture in side) for side in (before, after))
    return PhaseComparison(
        phase,
        sum(capture.steps for capture in before),
        sum(capture.steps for capture in after),
        len(before),
        len(after),
        _reconcile(phase, grouped, before, after) if has_steps else None,
        _rows(phase, grouped, before, after),
    )


def _rows(
    phase: str, grouped: GroupedPhase, before: Sequence[PhaseMeasurement], after: Sequence[PhaseMeasurement]
) -> tuple[Row, ...]:
    members = role_groups(grouped)
    time, busy = (
        _RowTimes.of(members, _per_step(sums_before, before, members), _per_step(sums_after, after, members))
        for sums_before, sums_after in (
            (grouped.before.total_ns, grouped.after.total_ns),
            (grouped.before.busy_ns, grouped.after.busy_ns),
        )
    )
    is_single = len(before) == len(after) == 1
    rows = []
    for number, member in enumerate(members):
        noise = _noise_of_steps(member, before[0], after[0]) if is_single else None
        rows.append(
            Row(
                phase=phase,
                layer_type=member.layer_type or None,
                before_roles=member.before_roles,
                after_roles=member.after_roles,
                time=time.estimate(number, noise),
                busy=busy.estimate(number, None),
                before_ns_per_step=time.before_mean(number),
                after_ns_per_step=time.after_mean(number),
                before_busy_ns_per_step=busy.before_mean(number),
                after_busy_ns_per_step=busy.after_mean(number),
                kernels=kernel_pairs(grouped, member.groups),
            )
        )
    return tuple(sorted(rows, key=_negative_time))


def _negative_time(row: Row) -> int:
    return -sum(total.total_ns for pair in row.kernels for total in (pair.before, pair.after) if total)


def _per_step(
    sums_ns: NDArray[np.int64], phases: Sequence[PhaseMeasurement], members: Sequence[RoleGroups]
) -> NDArray[np.float64] | None:
    """Time a step of each row, shape (captures, rows), from sums by group; None where the phase has no steps."""
    if not phases or not all(capture.steps for capture in phases):
        return None
    steps = np.array([capture.steps for capture in phases], np.float64)
    totals = [sums_ns[:, member.groups].sum(axis=1) / steps for member in members]
    return np.stack(totals, axis=1) if totals else np.zeros((len(phases), 0))


@dataclass(frozen=True, eq=False)
class _RowTimes:
    """Times a step of all rows on both sides, shape (captures, rows); None where the phase has no steps."""

    members: Sequence[RoleGroups]
    before: NDArray[np.float64] | None
    after: NDArray[np.float64] | None
    estimates: dict[int, Estimate]

    @classmethod
    def of(
        cls,
        members: Sequence[RoleGroups],
        before: NDArray[np.float64] | None,
        after: NDArray[np.float64] | None,
    ) -> "_RowTimes":
        """Compares what both sides have."""
        if before is None or after is None:
            return cls(members, before, after, {})
        paired = [number for number, member in enumerate(members) if member.before_roles and member.after_roles]
        found = estimates(before[:, paired], after[:, paired])
        return cls(members, before, after, dict(zip(paired, found, strict=True)))

    def estimate(self, row: int, noise: float | None) -> Estimate | None:
        """What is known of a row's difference; `noise` is known otherwise, where captures cannot tell it."""
        found = self.estimates.get(row)
        return replace(found, noise=noise) if found and found.noise is None else found

    def before_mean(self, row: int) -> float | None:
        """A row's time a step in BEFORE; None where it is not there."""
        return _mean(self.before, row) if self.members[row].before_roles else None

    def after_mean(self, row: int) -> float | None:
        """The same in AFTER."""
        return _mean(self.after, row) if self.members[row].after_roles else None


def _mean(values: NDArray[np.float64] | None, column: int) -> float | None:
    return None if values is None else float(values[:, column].mean())


def _noise_of_steps(member: RoleGroups, before: PhaseMeasurement, after: PhaseMeasurement) -> float | None:
    """The standard error of a row's difference, as far as the steps of one capture a side can tell it."""
    errors = [
        _error_of_roles(capture, member.layer_type, roles)
        for capture, roles in ((before, member.before_roles), (after, member.after_roles))
    ]
    return _together(errors)


def _error_of_roles(capture: PhaseMeasurement, layer_type: str, roles: Sequence[str]) -> float:
    columns = [number for number, role in enumerate(capture.roles) if role in {(layer_type, name) for name in roles}]
    return float(error_of_mean(capture.samples_ns[:, columns].sum(axis=1)))


def _together(errors: Sequence[float]) -> float | None:
    """The standard error of a difference from those of both sides; None where one is not known."""
    error = math.hypot(*errors)
    return None if math.isnan(error) else error


def _median_step(phases: Sequence[PhaseMeasurement]) -> float:
    """The mean over captures of their median steps."""
    return float(np.mean([capture.wall_ns[median_step(capture.wall_ns)] for capture in phases]))


def _reconcile(
    phase: str, grouped: GroupedPhase, before: Sequence[PhaseMeasurement], after: Sequence[PhaseMeasurement]
) -> ReconciledStep:
    labels = part_labels(grouped, [*before, *after])
    parts_before = step_parts(before, grouped.before, grouped, labels)
    parts_after = step_parts(after, grouped.after, grouped, labels)
    wall, *parts = estimates(
        np.column_stack([parts_before.wall, parts_before.values]),
        np.column_stack([parts_after.wall, parts_after.values]),
    )
    if len(before) == len(after) == 1:
        errors = [float(error_of_mean(capture.wall_ns.astype(np.float64))) for capture in (before[0], after[0])]
        wall = replace(wall, noise=_together(errors))
    of_kernels = splits(grouped, [capture.steps for capture in before], [capture.steps for capture in after])
    contributions = [
        Contribution(label, is_idle, time, of_kernels.get((label, is_idle)))
        for (label, is_idle), time in zip(labels, parts, strict=True)
    ]
    contributions.sort(key=lambda part: (part.is_idle, -abs(part.time.difference)))
    return ReconciledStep(
        phase,
        sum(capture.steps for capture in before),
        sum(capture.steps for capture in after),
        wall,
        _median_step(before),
        _median_step(after),
        tuple(contributions),
        wall.difference - sum(part.time.difference for part in contributions),
    )
