"""Holds predictions against what came of them: targets, the step's change, and which finding it is credited to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from workbench.compare.estimate import Estimate
from workbench.compare.moved_parts import PartChange
from workbench.compare.promises import Promise, promises
from workbench.findings.finding import Gain
from workbench.findings.target import Target


class TargetState(StrEnum):
    """What captures say of a target."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "cannot be measured"


class Kept(StrEnum):
    """What became of a prediction whose target is met."""

    CAME_TRUE = "came true"
    FELL_SHORT = "fell short"
    EXCEEDED = "exceeded"
    WITHIN_NOISE = "within noise"


@dataclass(frozen=True)
class TargetResult:
    """A target, measured on every capture of a set.

    Attributes:
        target: the target.
        values: what it measures, one entry a capture; None where it cannot be measured.
        problem: why the first capture that cannot be measured cannot; empty where all can.
    """

    target: Target
    values: tuple[float | None, ...]
    problem: str

    @property
    def known(self) -> tuple[float, ...]:
        """The values of captures on which it can be measured."""
        return tuple(value for value in self.values if value is not None)

    @property
    def value(self) -> float | None:
        """The median over captures."""
        return median(self.known) if self.known else None

    @property
    def met_in(self) -> int:
        """In how many captures it is met."""
        return sum(map(self.target.is_met_by, self.known))

    @property
    def state(self) -> TargetState:
        """Met only if it is met in every capture."""
        if self.met_in < len(self.known):
            return TargetState.NOT_MET
        return TargetState.MET if len(self.known) == len(self.values) else TargetState.UNKNOWN

    @property
    def is_split(self) -> bool:
        """Whether captures do not agree."""
        return 0 < self.met_in < len(self.known)


@dataclass(frozen=True)
class StepChange:
    """A step before and after, by one statistic of a capture's steps.

    Attributes:
        estimate: the mean over captures on either side; of one capture its own value.
        gains_ns: how much shorter the step is in each capture of AFTER.
    """

    estimate: Estimate
    gains_ns: tuple[float, ...]

    @property
    def before_ns(self) -> float:
        """The step before."""
        return self.estimate.before

    @property
    def after_ns(self) -> float:
        """The step after."""
        return self.estimate.after

    @property
    def gain_ns(self) -> float:
        """How much shorter it is; negative where it is longer."""
        return -self.estimate.difference

    @property
    def interval_ns(self) -> tuple[float, float] | None:
        """Where the true gain lies, 95 times in 100; None where captures are too few to tell."""
        interval = self.estimate.interval
        return interval and (-interval[1], -interval[0])

    def interval_of(self, share: float) -> tuple[float, float] | None:
        """The same of a share of the gain."""
        interval = self.interval_ns
        return interval and (share * interval[0], share * interval[1])

    @property
    def is_within_noise(self) -> bool:
        """Whether the interval is known, and holds no change at all."""
        interval = self.interval_ns
        return interval is not None and interval[0] <= 0 <= interval[1]


class Basis(StrEnum):
    """Which change of the step findings are credited with."""

    MEDIAN = "median"
    """The median step's, for what every step costs."""
    MEAN = "mean"
    """The mean step's, for what falls on few steps and is shared out among all."""
    EXCESS = "mean_beyond_median"
    """What the mean step changed beyond the median one: the median's change is what every step gained."""


@dataclass(frozen=True)
class Credit:
    """What of a step's change is credited to a finding whose target is met.

    Attributes:
        change: the step's change.
        basis: which change that is.
        share: the part of it that is this finding's.
        together: the numbers of all findings that make one promise, this one's among them.
        promise_share: the part of the step's change that is the promise's, `share` at least.
        low_ns, high_ns: what is promised.
        kept: what became of the promise.
        is_shared: whether other promises have a part of the same change.
    """

    change: StepChange
    basis: Basis
    share: float
    together: tuple[str, ...]
    promise_share: float
    low_ns: int
    high_ns: int
    kept: Kept
    is_shared: bool = False

    @property
    def realised_ns(self) -> float:
        """The gain that is credited to the finding."""
        return self.share * self.change.gain_ns

    @property
    def promise_ns(self) -> float:
        """The gain that is credited to the promise."""
        return self.promise_share * self.change.gain_ns

    @property
    def spread_ns(self) -> tuple[float, float] | None:
        """The least and the most over the captures of AFTER; None of a single one."""
        gains_ns = self.change.gains_ns
        return (self.share * min(gains_ns), self.share * max(gains_ns)) if len(gains_ns) > 1 else None

    @property
    def interval_ns(self) -> tuple[float, float] | None:
        """Where the true gain lies, 95 times in 100, if this is its share; None where captures are too few to tell."""
        return self.change.interval_of(self.share)

    @property
    def is_told(self) -> bool:
        """Whether captures were good enough to tell the gain: where it may be none, not by more than was promised."""
        interval = self.change.interval_of(self.promise_share)
        if interval is None or self.kept is not Kept.WITHIN_NOISE:
            return True
        return (interval[1] - interval[0]) / 2 <= max(self.high_ns, 1)


def credit(
    met: Mapping[str, Gain], changes: Mapping[Basis, StepChange], parts: Mapping[Basis, Sequence[PartChange]]
) -> dict[str, Credit]:
    """Credits the change of a step to the findings of its phase that are met.

    Findings that speak of the same work are one promise, claimed several times (`promises`): each of them is held
    against the whole of what is credited to it. A single promise has all of the change; several share it by how much
    their own work became shorter.

    What falls on few steps moves the mean step and leaves the median one. Where findings of both kinds are met, those
    have the median step's change, these what the mean one changed beyond it.

    Args:
        met: the findings' gains, by their numbers.
        changes: the step's change, by each basis.
        parts: the parts of the step, by each basis of which they are known; each with the findings that speak of it.
    """
    of_median = {number: gain for number, gain in met.items() if not gain.of_mean_step}
    of_mean = {number: gain for number, gain in met.items() if gain.of_mean_step}
    spoken = next(iter(parts.values()), ())
    found = {}
    for some, basis in ((of_median, Basis.MEDIAN), (of_mean, Basis.EXCESS if of_median else Basis.MEAN)):
        made = promises(some, spoken, parts.get(basis))
        for promise in made:
            for number in promise.numbers:
                found[number] = _credited(promise, number, changes[basis], basis, is_shared=len(made) > 1)
    return found


def _credited(promise: Promise, number: str, change: StepChange, basis: Basis, *, is_shared: bool) -> Credit:
    return Credit(
        change=change,
        basis=basis,
        share=promise.shares[number],
        together=promise.numbers,
        promise_share=promise.share,
        low_ns=promise.low_ns,
        high_ns=promise.high_ns,
        kept=kept(promise.low_ns, promise.high_ns, change, promise.share),
        is_shared=is_shared,
    )


def kept(low_ns: int, high_ns: int, change: StepChange, share: float = 1.0) -> Kept:
    """What became of the promise of a gain between two times, if a share of a step's change is what it brought.

    Where an interval is known, a promise is broken only by a gain that lies outside beyond doubt, and a change that
    may be none at all keeps no promise.
    """
    gain_ns = share * change.gain_ns
    least_ns, most_ns = change.interval_of(share) or (gain_ns, gain_ns)
    if most_ns < low_ns:
        return Kept.FELL_SHORT
    if least_ns > high_ns:
        return Kept.EXCEEDED
    return Kept.WITHIN_NOISE if change.is_within_noise else Kept.CAME_TRUE
