"""Simulates sets of captures, and counts how often what is said of their difference is true.

A capture is a block of steps, each step like the one before (autocorrelation 0.8), around a mean of its own. For each
case: how often captures that do not differ are said to (at most 5 % is promised), how often an experiment of 20 rows
has any false alarm after Benjamini and Hochberg's procedure, how often the interval covers a true difference (95 %),
how wide it is, and how often the smallest difference that it claims to show is shown (80 %). The other methods are
those that were not taken.

    python -m benchmarks.diff_statistics --pairs 20000
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.statistics import compare_means, error_of_mean, significant
from workbench.compare.student import quantile

Array = NDArray[np.float64]
Interval = Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]

STEPS = 50
LIKENESS = 0.8
ROWS = 20


@dataclass(frozen=True)
class Case:
    """How captures come about; the standard deviation of a step is 1.

    Attributes:
        spread: the standard deviation between captures.
        before, after: how many captures a side.
        noise: the shape of all noise, a key of `SHAPES`.
        ratio: the variance of AFTER over that of BEFORE, in all its noise.
    """

    spread: float
    before: int = 3
    after: int = 3
    noise: str = "normal"
    ratio: float = 1.0


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Noise without a tail."""
    return random.standard_normal(shape)


def skewed(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Log-normal noise: a capture or a step now and then is far slower, none far faster (skewness 2.3)."""
    logarithm = 0.6
    values = np.exp(logarithm * random.standard_normal(shape) - logarithm**2 / 2)
    return (values - 1) / np.sqrt(np.expm1(logarithm**2))


def stalling(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A stall of 4 (in units of the other noise) in 1 of 20 cases."""
    often, stall = 0.05, 4.0
    values = random.standard_normal(shape) + stall * (random.random(shape) < often)
    return (values - often * stall) / np.sqrt(1 + often * (1 - often) * stall**2)


SHAPES = {"normal": normal, "skewed": skewed, "stalls": stalling}


def series(random: np.random.Generator, noise: str, shape: tuple[int, ...], likeness: float = LIKENESS) -> Array:
    """Steps of which neighbours are alike, along the first axis; mean 0, variance 1."""
    values = SHAPES[noise](random, shape)
    values[1:] *= np.sqrt(1 - likeness**2)
    for step in range(1, len(values)):
        values[step] += likeness * values[step - 1]
    return values


def captures(random: np.random.Generator, case: Case, count: int, rows: int) -> Array:
    """Steps of captures around a mean of 0, shape (steps, captures, rows)."""
    return series(random, case.noise, (STEPS, count, rows)) + case.spread * SHAPES[case.noise](random, (count, rows))


def sides(random: np.random.Generator, case: Case, rows: int) -> tuple[Array, Array]:
    """Both sides' steps, shapes (steps, captures, rows); they do not differ."""
    before, after = captures(random, case, case.before, rows), captures(random, case, case.after, rows)
    return before, after * np.sqrt(case.ratio)


def true_error(case: Case) -> float:
    """The standard error of the difference, from what the case is made of."""
    lags = np.arange(1, STEPS)
    of_steps = (1 + 2 * float(((1 - lags / STEPS) * LIKENESS**lags).sum())) / STEPS
    return float(np.sqrt((case.spread**2 + of_steps) * (1 / case.before + case.ratio / case.after)))


@dataclass(frozen=True)
class Outcome:
    """Shares of pairs, 0 to 1, but for the width.

    Attributes:
        alarms: of captures that do not differ, how many are said to.
        experiments: of experiments of 20 such rows, how many have any alarm.
        covered: how many intervals cover the true difference.
        width: the mean width of an interval, in true standard errors.
        shown: how many differences as large as the smallest (the mean of those stated) are shown.
    """

    alarms: float
    experiments: float
    covered: float
    width: float
    shown: float


def simulate(case: Case, pairs: int, seed: int = 1) -> Outcome:
    """What `compare_means` and `significant` say of pairs of sets of captures.

    Args:
        case: how captures come about.
        pairs: how many pairs; a multiple of 20.
        seed: of the random numbers.
    """
    random = np.random.default_rng([seed, case.before, case.after])
    before, after = (side.mean(axis=0) for side in sides(random, case, pairs))
    error = true_error(case)
    same = compare_means(before, after)
    shift = 3 * error
    moved = compare_means(before, after + shift)
    at_smallest = compare_means(before, after + float(same.smallest.mean()))
    experiments = [significant(chances).any() for chances in same.p_value.reshape(-1, ROWS)]
    return Outcome(
        alarms=float((same.p_value <= 0.05).mean()),
        experiments=float(np.mean(experiments)),
        covered=float(((moved.low <= shift) & (shift <= moved.high)).mean()),
        width=float((same.high - same.low).mean()) / error,
        shown=float((at_smallest.p_value <= 0.05).mean()),
    )


def ours(before: Array, after: Array, _random: np.random.Generator) -> tuple[Array, Array]:
    """What the workbench does."""
    found = compare_means(before.mean(axis=0), after.mean(axis=0))
    return found.low, found.high


def welch(before: Array, after: Array, _random: np.random.Generator) -> tuple[Array, Array]:
    """Welch's interval alone."""
    one, other = before.mean(axis=0), after.mean(axis=0)
    parts = [side.var(axis=0, ddof=1) / len(side) for side in (one, other)]
    squared = parts[0] + parts[1]
    degrees = squared**2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(other) - 1))
    return _around(other.mean(axis=0) - one.mean(axis=0), quantile(0.975, degrees) * np.sqrt(squared))


def pooled(before: Array, after: Array, _random: np.random.Generator) -> tuple[Array, Array]:
    """Student's interval alone."""
    one, other = before.mean(axis=0), after.mean(axis=0)
    degrees = len(one) + len(other) - 2
    squared = sum(side.var(axis=0) * len(side) for side in (one, other)) / degrees * (1 / len(one) + 1 / len(other))
    return _around(other.mean(axis=0) - one.mean(axis=0), quantile(0.975, degrees) * np.sqrt(squared))


def percentile(before: Array, after: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """A percentile bootstrap over captures."""
    return _resampled(before, after, random, block=None)


def two_level(before: Array, after: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """A percentile bootstrap over captures, and over blocks of their steps."""
    return _resampled(before, after, random, block=10)


def _around(centre: Array, half: Array) -> tuple[Array, Array]:
    return centre - half, centre + half


def _resampled(
    before: Array, after: Array, random: np.random.Generator, block: int | None, resamples: int = 300
) -> tuple[Array, Array]:
    differences = np.empty((resamples, before.shape[2]))
    for resample in range(resamples):
        one, other = (_resampled_mean(side, random, block) for side in (before, after))
        differences[resample] = other - one
    low, high = np.percentile(differences, [2.5, 97.5], axis=0)
    return low, high


def _resampled_mean(side: Array, random: np.random.Generator, block: int | None) -> Array:
    picked = [side[:, capture] for capture in random.integers(side.shape[1], size=side.shape[1]).tolist()]
    if block is None:
        return np.mean([capture.mean(axis=0) for capture in picked], axis=0)
    starts = random.integers(STEPS - block + 1, size=(len(picked), STEPS // block))
    steps = (starts[..., None] + np.arange(block)).reshape(len(picked), -1)
    return np.mean([capture[chosen].mean(axis=0) for capture, chosen in zip(picked, steps, strict=True)], axis=0)


METHODS: dict[str, Interval] = {
    "ours": ours,
    "Welch": welch,
    "pooled": pooled,
    "bootstrap": percentile,
    "two-level": two_level,
}


def coverage(method: Interval, case: Case, pairs: int, seed: int = 1) -> float:
    """How many intervals of a method cover the true difference, which is none."""
    random = np.random.default_rng([seed, case.before, case.after])
    low, high = method(*sides(random, case, pairs), random)
    return float(((low <= 0) & (high >= 0)).mean())


def error_of_steps(steps: int, likeness: float, rows: int, seed: int = 1) -> float:
    """`error_of_mean`, its root mean square, over the true standard error of a mean over steps."""
    values = series(np.random.default_rng(seed), "normal", (steps, rows), likeness)
    lags = np.arange(1, steps)
    squared = (1 + 2 * float(((1 - lags / steps) * likeness**lags).sum())) / steps
    return float(np.sqrt(np.square(error_of_mean(values)).mean() / squared))


SIZES = ((2, 2), (3, 3), (5, 5), (2, 5), (5, 2))
CASES = [
    *(Case(spread, *size) for spread in (0, 1, 3) for size in SIZES),
    *(Case(1, *size, ratio=4) for size in SIZES),
    *(Case(1, *size, noise=noise) for noise in ("skewed", "stalls") for size in SIZES),
    *(Case(1, 3, 3, noise=noise, ratio=4) for noise in ("skewed", "stalls")),
    *(Case(1, *size) for size in ((1, 3), (1, 5), (3, 1))),
]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs of sets a case, a multiple of 20")
    parser.add_argument("--bootstrapped", type=int, default=1_500, help="pairs for the methods that were not taken")
    arguments = parser.parse_args()
    print("| Captures | Spread | Noise | Variance | False alarms % | after BH % | Covered % | Width | Shown % |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        found = simulate(case, arguments.pairs)
        print(
            f"| {case.before} + {case.after} | {case.spread:g} | {case.noise} | {case.ratio:g} | "
            f"{found.alarms:.1%} | {found.experiments:.1%} | {found.covered:.1%} | {found.width:.1f} | "
            f"{found.shown:.0%} |".replace("%", ""),
            flush=True,
        )
    print("\nHow many intervals of other methods cover the truth, of 100:\n")
    print("| Captures | Spread | Variance | " + " | ".join(METHODS) + " |\n|---|---:|---:|" + "---:|" * len(METHODS))
    for case in (*(Case(spread) for spread in (0, 1, 3)), Case(1, ratio=4), Case(1, 2, 5), Case(1, 5, 2, ratio=4)):
        cells = [f"{coverage(method, case, arguments.bootstrapped):.1%}"[:-1] for method in METHODS.values()]
        print(f"| {case.before} + {case.after} | {case.spread:g} | {case.ratio:g} | " + " | ".join(cells) + " |")
    print("\nThe error of a mean from its steps alone, over the true one:\n")
    likenesses = (0.0, 0.5, 0.8, 0.95)
    print("| Steps | " + " | ".join(map(str, likenesses)) + " |\n|---:|" + "---:|" * len(likenesses))
    for steps in (5, 20, 50, 200, 1000):
        cells = [f"{error_of_steps(steps, likeness, 1000):.2f}" for likeness in likenesses]
        print(f"| {steps} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
