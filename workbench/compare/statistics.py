"""Statistics of the difference between two sets of captures.

A capture is a block of many steps. Its mean is the true mean, plus what sets this capture apart from others (clocks,
temperature, where memory came to lie), plus what its steps leave. Steps, of which neighbours are alike, tell only the
last of these, and the one before is as large or far larger. So the mean of a capture is one sample, intervals come from
the spread between captures, and no number of steps makes up for a second capture.

With so few samples only an interval from Student's t holds. A percentile bootstrap over three captures a side covers
the truth 80 times in 100 where it promises 95: no resample is wider than the samples themselves. One of two levels,
captures and steps within them, covers it 91 times where only steps vary, but 80 times again where captures do.
`benchmarks/diff_statistics.py` measures them all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.student import mean_deviation, quantile, two_sided

# How likely the smallest difference that is stated would be shown.
POWER = 0.8
# Numbers that differ by less than this share of themselves differ by rounding alone.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)
# Of fewer steps a straight line would take along what is noise.
_STEPS_WITH_TREND = 30


@dataclass(frozen=True, eq=False)
class Differences:
    """What two sets of captures tell of each quantity; arrays of shape (rows,), in the unit of the values.

    NaN stands where something cannot be known: with one capture a side, for all but the first three.

    Attributes:
        before, after: means over captures.
        difference: after minus before.
        low, high: where the true difference lies, with the confidence asked for.
        p_value: how often captures that do not differ would differ this much.
        error: the standard error of the difference behind its interval.
        noise: the standard deviation between captures of one side, pooled over both.
        smallest: the smallest true difference that captures like these would show 4 times in 5.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    difference: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    error: NDArray[np.float64]
    noise: NDArray[np.float64]
    smallest: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Side:
    """The captures of one side.

    Attributes:
        count: how many captures.
        first: the first capture, shape (rows,).
        offset: the mean, as a distance from the first capture: equal captures then have equal means to the last digit.
        squares: the sum of squared distances from the mean.
    """

    count: int
    first: NDArray[np.float64]
    offset: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], rounding: NDArray[np.float64]) -> "_Side":
        """A side from values of shape (captures, rows)."""
        distances = values - values[0]
        distances[np.abs(distances) <= rounding] = 0
        offset = distances.mean(axis=0)
        return cls(len(values), values[0], offset, np.square(distances - offset).sum(axis=0))

    @property
    def squared_error(self) -> NDArray[np.float64]:
        """The squared standard error of the mean, from this side alone; NaN of one capture."""
        return self.squares / np.float64(self.count - 1) / self.count


@dataclass(frozen=True, eq=False)
class _Ruler:
    """A standard error and the degrees of freedom that it rests on, of shapes (rows,)."""

    error: NDArray[np.float64]
    degrees: NDArray[np.float64]

    def half_width(self, upper: float) -> NDArray[np.float64]:
        """How far an interval reaches from the difference, if it ends at this quantile."""
        return self.error * quantile(upper, self.degrees)

    def smallest(self, upper: float) -> NDArray[np.float64]:
        """The smallest true difference that would be shown with a probability of `POWER`."""
        true_error = self.error / mean_deviation(self.degrees)
        return true_error * (quantile(upper, self.degrees) + quantile(POWER, self.degrees))

    def p_value(self, difference: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often no true difference would give this one: without any spread never, unless there is none."""
        chance = np.where(difference == 0, 1.0, two_sided(difference / self.error, self.degrees))
        return np.where(np.isnan(self.error), np.nan, chance)


def compare_means(before: NDArray[np.float64], after: NDArray[np.float64], *, confidence: float = 0.95) -> Differences:
    """Compares quantities by the means of captures.

    Each interval is the wider of two. Welch's, with Satterthwaite's degrees of freedom (Welch, Biometrika 34, 1947),
    lets each side spread as it does; with equal numbers of captures it always is the wider one. Student's, from the
    pooled spread of both sides, takes over where one side has a single capture, and so no spread of its own: then both
    are assumed to spread alike. It also is the wider one where few captures that happen to agree meet many: there
    Welch's alone covers the truth 93.6 times in 100 (2 against 5). So the p-value is the larger of two.

    Three captures a side are covered 96 times in 100 if both sides spread alike or one has four times the other's
    variance; Student's alone would be narrower, and cover 95 and 94. The hardest case is that of two captures that
    spread twice as far as five on the other side: 94. Take as many of one side as of the other.

    The smallest difference shown is (t[(1 + confidence) / 2] + t[0.8]) standard errors (Bloom, "Minimum detectable
    effects", Evaluation Review 19, 1995), the larger of two as well. The standard error is corrected for being too
    small on average (by a fifth with one degree of freedom). It holds for a row judged by itself: among many,
    `significant` asks for more.

    Args:
        before: one value a capture and quantity, such as its mean over steps, shape (captures of BEFORE, rows).
        after: the same, shape (captures of AFTER, rows).
        confidence: how often an interval covers the true difference.

    Raises:
        ValueError: a side has no capture, or the sides differ in their rows.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if before.ndim != 2 or after.ndim != 2 or before.shape[1] != after.shape[1] or not len(before) or not len(after):
        raise ValueError(f"shapes (captures, rows) of equal rows are wanted, not {before.shape} and {after.shape}")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        return _compare(before, after, (1 + confidence) / 2)


def _compare(before: NDArray[np.float64], after: NDArray[np.float64], upper: float) -> Differences:
    rounding = _ROUNDING * np.maximum(np.abs(before).max(axis=0), np.abs(after).max(axis=0))
    one, other = _Side.of(before, rounding), _Side.of(after, rounding)
    difference = (other.first - one.first) + (other.offset - one.offset)
    difference[np.abs(difference) <= rounding] = 0
    welch, pooled = _welch(one, other), _pooled(one, other)
    half, half_pooled = welch.half_width(upper), pooled.half_width(upper)
    wider = np.fmax(half, half_pooled)
    return Differences(
        before=one.first + one.offset,
        after=other.first + other.offset,
        difference=difference,
        low=difference - wider,
        high=difference + wider,
        p_value=np.fmax(welch.p_value(difference), pooled.p_value(difference)),
        error=np.where(half == wider, welch.error, pooled.error),
        noise=pooled.error / np.sqrt(1 / one.count + 1 / other.count),
        smallest=np.fmax(welch.smallest(upper), pooled.smallest(upper)),
    )


def _welch(one: _Side, other: _Side) -> _Ruler:
    """Each side with its own spread; NaN where one has a single capture."""
    squared = one.squared_error + other.squared_error
    share = np.where(squared > 0, one.squared_error / squared, 0.5)
    degrees = 1 / (share**2 / np.float64(one.count - 1) + (1 - share) ** 2 / np.float64(other.count - 1))
    return _Ruler(np.sqrt(squared), degrees)


def _pooled(one: _Side, other: _Side) -> _Ruler:
    """Both sides with one spread; NaN where both have a single capture."""
    degrees = np.float64(one.count + other.count - 2)
    squared = (one.squares + other.squares) / degrees * (1 / one.count + 1 / other.count)
    return _Ruler(np.sqrt(squared), np.where(degrees > 0, degrees, np.nan))


def significant(p_values: NDArray[np.float64], rate: float = 0.05) -> NDArray[np.bool_]:
    """Which rows differ, such that of those that are said to, at most a share `rate` is expected not to.

    Benjamini and Hochberg's step-up procedure (Journal of the Royal Statistical Society B 57, 1995): of p-values in
    order, the last that lies below its rank's share of `rate`, and all before it. It holds for rows that are
    independent or rise and fall together, as times do from capture to capture.

    Args:
        p_values: shape (rows,); where NaN, a row takes no part and does not differ.
        rate: the share of false discoveries allowed.
    """
    p_values = np.asarray(p_values, np.float64)
    ordered = np.sort(p_values[~np.isnan(p_values)])
    ranks = np.arange(1, len(ordered) + 1)
    passing = ordered[ordered * len(ordered) <= rate * ranks]
    return p_values <= (passing[-1] if len(passing) else -np.inf)


def error_of_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error of a capture's mean as far as its own steps tell: captures differ by as much, or far more.

    That of a moving-block bootstrap (Künsch, Annals of Statistics 17, 1989), for which no random number is needed: a
    mean of n / l blocks, drawn from all runs of l neighbouring steps, has l / n of the variance between those runs'
    means. A block is twice as long as steps stay alike, which is up to where the autocorrelations at two neighbouring
    lags sum to no more than zero (Geyer's initial positive sequence, Statistical Science 7, 1992), and at most a third
    of all steps. Of 30 steps and more a straight line is taken out first: a cache that grows by a token a step is part
    of the workload, not noise.

    It is low where few steps are alike for long: with an autocorrelation of 0.8 it is three fifths of the true error of
    20 steps, four fifths of that of 50, and all of that of 200 and more.

    Args:
        values: steps in order, shape (steps,) or (steps, rows).

    Returns:
        Errors in the unit of the values, shape () or (rows,); NaN for fewer than two steps.
    """
    values = np.asarray(values, np.float64)
    if values.ndim == 1:
        return np.asarray(_error_of_series(values))
    # A row at a time: each has blocks of its own length, and a hundred thousand steps by all rows would fill memory.
    return np.array([_error_of_series(series) for series in values.T], np.float64)


def _error_of_series(values: NDArray[np.float64]) -> float:
    count = len(values)
    if count < 2:
        return float("nan")
    has_trend = count >= _STEPS_WITH_TREND
    noise = _without_line(values) if has_trend else _centred(values)
    length = _block_length(noise)
    sums = np.cumsum(np.concatenate([[0.0], noise]))
    means = (sums[length:] - sums[:-length]) / length
    # Each parameter taken out, a mean or a slope, costs a block: without autocorrelation the variance is unbiased.
    freedom = (count - (1 + has_trend) * length) * len(means)
    return float(np.sqrt(length * np.square(means).sum() / freedom))


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    distances = values - values[:1]
    mean: np.float64 = distances.mean()
    return distances - mean


def _without_line(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a least-squares line through the values leaves."""
    noise = _centred(values)
    step = np.arange(len(values), dtype=np.float64) - (len(values) - 1) / 2
    return noise - step * (float(step @ noise) / float(step @ step))


def _block_length(noise: NDArray[np.float64]) -> int:
    """Twice as many steps as are alike."""
    most = max(1, len(noise) // 3)
    size = 1 << (len(noise) + most + 1).bit_length()
    spectrum = np.fft.rfft(noise, size)
    # Autocorrelations at lags 0 to `most`, and one more where that makes pairs, times the variance.
    alike = np.fft.irfft(np.square(np.abs(spectrum)), size)[: most + 1 + (most + 1) % 2]
    ends = np.flatnonzero(alike[0::2] + alike[1::2] <= 0)
    return max(1, min(4 * int(ends[0]), most)) if len(ends) else most
