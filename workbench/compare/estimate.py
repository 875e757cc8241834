"""What two sets of captures tell of one quantity."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from workbench.compare.statistics import compare_means

# Kernels that explain less of a change in busy time by their own did not become faster or slower: they were moved.
_LEAST_EXPLAINED = 0.5


class Change(StrEnum):
    """What can be said of a difference; less time is better."""

    BETTER = "better"
    WORSE = "worse"
    NONE_SHOWN = "no difference shown"
    UNDECIDED = "no verdict"
    OVERLAPS_MORE = "overlaps more"
    """Less busy time, but not for want of kernel time: more of it passes while an earlier operation runs."""
    OVERLAPS_LESS = "overlaps less"


@dataclass(frozen=True)
class Estimate:
    """A mean on either side, and what is known of the difference; None where that cannot be known.

    Attributes:
        before, after: means over captures of each one's mean, in ns a step.
        difference: after minus before.
        interval: where the true difference lies, 95 times in 100.
        p_value: how often captures that do not differ would differ so much.
        noise: the standard error of the difference: from the spread between captures, or, of one capture a side, from
            its steps alone.
        smallest: the smallest true difference that such captures would show 4 times in 5.
        is_significant: whether it stands out from the noise, false discoveries among all rows bounded.
    """

    before: float
    after: float
    difference: float
    interval: tuple[float, float] | None
    p_value: float | None
    noise: float | None
    smallest: float | None
    is_significant: bool | None = None

    @property
    def change(self) -> Change:
        """What can be said of it."""
        if self.is_significant is None:
            return Change.UNDECIDED
        if not self.is_significant:
            return Change.NONE_SHOWN
        return Change.BETTER if self.difference < 0 else Change.WORSE

    @property
    def effect(self) -> float | None:
        """The difference as a multiple of the noise."""
        return abs(self.difference) / self.noise if self.noise else None

    @property
    def share(self) -> float | None:
        """The difference as a share of `before`."""
        return self.difference / self.before if self.before else None

    def judged(self, is_significant: bool) -> "Estimate":
        """The same with a verdict, where there can be one."""
        return self if self.p_value is None else replace(self, is_significant=is_significant)


def busy_change(busy: Estimate, kernel_time_difference: float) -> Change:
    """What can be said of busy time: faster or slower only where kernel time explains it by half at least."""
    change = busy.change
    if change not in (Change.BETTER, Change.WORSE) or kernel_time_difference / busy.difference >= _LEAST_EXPLAINED:
        return change
    return Change.OVERLAPS_MORE if change is Change.BETTER else Change.OVERLAPS_LESS


def estimates(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[Estimate, ...]:
    """Compares quantities by the means of captures.

    Args:
        before: shape (captures of BEFORE, quantities).
        after: shape (captures of AFTER, quantities).
    """
    found = compare_means(before, after)
    columns = (
        found.before, found.after, found.difference, found.low, found.high, found.p_value, found.error, found.smallest,
    )  # fmt: skip
    return tuple(
        Estimate(one, other, difference, _interval(low, high), _known(p_value), _known(error), _known(smallest))
        for one, other, difference, low, high, p_value, error, smallest in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )


def p_values(times: Iterable[Estimate | None]) -> NDArray[np.float64]:
    """Their p-values; NaN where there is none."""
    return np.array([np.nan if time is None or time.p_value is None else time.p_value for time in times], np.float64)


def _interval(low: float, high: float) -> tuple[float, float] | None:
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
