"""The reconciled step: why a mean step takes longer or less long, to the last microsecond."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import UNATTRIBUTED
from workbench.compare.estimate import Change, Estimate, busy_change, p_values
from workbench.compare.grouping import GroupedPhase, SideSums
from workbench.compare.matching import Relation
from workbench.compare.measurement import PhaseMeasurement
from workbench.compare.statistics import significant


@dataclass(frozen=True)
class Split:
    """Why a layer type's busy time changed, in ns a step; the four add up to the change.

    Attributes:
        launches: kernels that both sides have are called more or less often.
        time_a_call: they take longer or less long.
        swapped: other kernels took their place, or there are none on the other side.
        overlap: more or less of the kernels' time passes while an earlier operation still runs.
    """

    launches: float
    time_a_call: float
    swapped: float
    overlap: float

    @property
    def kernel_time(self) -> float:
        """The change in kernel time."""
        return self.launches + self.time_a_call + self.swapped


@dataclass(frozen=True)
class Contribution:
    """A part of the step: a layer type's busy time, other busy time, or idle time of a kind.

    `time` is in ns a step. `split` is None where only kernels could tell.
    """

    label: str
    is_idle: bool
    time: Estimate
    split: Split | None

    @property
    def change(self) -> Change:
        """What can be said of it."""
        return busy_change(self.time, self.split.kernel_time) if self.split else self.time.change


@dataclass(frozen=True)
class ReconciledStep:
    """A mean step on both sides, and the parts that its difference is made of.

    Attributes:
        phase: which phase's.
        before_steps, after_steps: how many steps the means are of, over all captures.
        wall: the step's time.
        before_median, after_median: the median step, in ns: far from the mean where single steps take far longer.
        contributions: its parts, in order: busy time by layer type (the largest changes first), then idle time.
        residual: what the parts leave unexplained of the difference, in ns.
    """

    phase: str
    before_steps: int
    after_steps: int
    wall: Estimate
    before_median: float
    after_median: float
    contributions: tuple[Contribution, ...]
    residual: float

    def judged(self, rate: float) -> "ReconciledStep":
        """The same with verdicts: of the step by itself, of its parts with false discoveries among them bounded."""
        step = self.wall.p_value is not None and self.wall.p_value <= rate
        tested = p_values(part.time for part in self.contributions)
        parts = zip(self.contributions, significant(tested, rate).tolist(), strict=True)
        return replace(
            self,
            wall=self.wall.judged(step),
            contributions=tuple(replace(part, time=part.time.judged(verdict)) for part, verdict in parts),
        )


@dataclass(frozen=True, eq=False)
class StepParts:
    """The parts of a phase's mean step on one side: by capture, in ns a step.

    Attributes:
        labels: a name for each part, and whether it is idle time.
        values: shape (captures, parts).
        wall: the whole step, shape (captures,).
    """

    labels: tuple[tuple[str, bool], ...]
    values: NDArray[np.float64]
    wall: NDArray[np.float64]


def step_parts(
    phases: Sequence[PhaseMeasurement], sums: SideSums, grouped: GroupedPhase, labels: tuple[tuple[str, bool], ...]
) -> StepParts:
    """Takes the mean step of each capture apart.

    Args:
        phases: the phase in each capture; each has steps.
        sums: its groups, in the same order of captures.
        grouped: what the groups are.
        labels: the parts, as `part_labels` gives them for both sides.
    """
    steps = np.array([phase.steps for phase in phases], np.float64)
    values = np.zeros((len(phases), len(labels)))
    position = {label: number for number, label in enumerate(labels)}
    for number, group in enumerate(grouped.groups):
        values[:, position[_busy_label(group.layer_type)]] += sums.busy_ns[:, number]
    for capture, phase in enumerate(phases):
        for label, time_ns in phase.other_busy_ns.items():
            values[capture, position[label, False]] += time_ns
        for kind in IdleKind:
            if (kind.label, True) in position:
                values[capture, position[kind.label, True]] += phase.idle_ns[kind]
    wall = np.array([phase.wall_ns.sum() for phase in phases], np.float64) / steps
    return StepParts(labels, values / steps[:, np.newaxis], wall)


def part_labels(grouped: GroupedPhase, phases: Sequence[PhaseMeasurement]) -> tuple[tuple[str, bool], ...]:
    """The parts of a step that some capture has, busy ones first."""
    busy = [_busy_label(group.layer_type) for group in grouped.groups]
    other = [(label, False) for phase in phases for label in phase.other_busy_ns]
    idle = [(kind.label, True) for kind in IdleKind if any(phase.idle_ns[kind] for phase in phases)]
    return tuple(dict.fromkeys([*busy, *other, *idle]))


def _busy_label(layer_type: str) -> tuple[str, bool]:
    return layer_type or UNATTRIBUTED, False


def splits(
    grouped: GroupedPhase, before_steps: Sequence[int], after_steps: Sequence[int]
) -> dict[tuple[str, bool], Split]:
    """Splits the change in busy time of each layer type, by its label.

    A kernel that is called n times a step, t ns each, changes by Δn times the mean of both t, plus Δt times the mean
    of both n: exactly its difference in kernel time. What busy time changed beyond kernel time is overlap.
    """
    (count_before, time_before, busy_before), (count_after, time_after, busy_after) = (
        _means(sums, steps) for sums, steps in ((grouped.before, before_steps), (grouped.after, after_steps))
    )
    change = time_after - time_before
    is_same = np.array([group.match.relation is Relation.SAME for group in grouped.groups], np.bool_)
    is_same &= (count_before > 0) & (count_after > 0)
    call_before = np.divide(time_before, count_before, out=np.zeros_like(change), where=is_same)
    call_after = np.divide(time_after, count_after, out=np.zeros_like(change), where=is_same)
    launches = np.where(is_same, (count_after - count_before) * (call_before + call_after) / 2, 0.0)
    reasons = np.stack(
        [
            launches,
            np.where(is_same, change - launches, 0.0),
            np.where(is_same, 0.0, change),
            busy_after - busy_before - change,
        ]
    )
    labels = [_busy_label(group.layer_type) for group in grouped.groups]
    distinct = list(dict.fromkeys(labels))
    of_label = np.array([distinct.index(label) for label in labels], np.int64)
    sums = [np.bincount(of_label, reason, len(distinct)) for reason in reasons]
    return {label: Split(*(float(reason[number]) for reason in sums)) for number, label in enumerate(distinct)}


def _means(sums: SideSums, steps: Sequence[int]) -> tuple[NDArray[np.float64], ...]:
    """Calls, kernel time and busy time a step, each a mean over captures, shape (groups,)."""
    per_step = np.array(steps, np.float64)[:, np.newaxis]
    return tuple((part / per_step).mean(axis=0) for part in (sums.count, sums.total_ns, sums.busy_ns))
