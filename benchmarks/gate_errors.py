"""Simulates runs against a baseline, and counts how often the gate of speed says what is true.

Processes differ by a share of the time, a part of which is theirs in all numbers alike. For each noise and number of
processes a side: how often the gate fails, passes and leaves it open where nothing changed (to fail then is a false
alarm: at most 5 %), where one of eight numbers takes 3 % longer, and where all do (to pass then is a miss: at most
2.5 % where one does).

    python -m benchmarks.gate_errors --runs 20000
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.statistics import Differences, compare_means
from workbench.gate.speed import TOLERANCE, real, rule

NUMBERS = 8
LOSS = 0.03
NOISES = (0.002, 0.005, 0.01, 0.02, 0.04)
PROCESSES = (3, 5, 8)
CHANGES: dict[str, tuple[float, ...]] = {
    "none": (0.0,) * NUMBERS,
    "one": (LOSS,) + (0.0,) * (NUMBERS - 1),
    "all": (LOSS,) * NUMBERS,
}


@dataclass(frozen=True)
class Case:
    """How runs come about.

    Attributes:
        noise: the standard deviation between processes, as a share.
        processes: of the run.
        before: processes of the baseline; as many by default.
        changes: of each number's true time, as shares.
        shared: the part of the variance that all numbers of a process have in common.
        shape: `normal`, or `stalls`: 1 process in 20 is slower by 4 standard deviations of the others.
    """

    noise: float
    processes: int
    changes: tuple[float, ...]
    before: int | None = None
    shared: float = 0.3
    shape: str = "normal"


@dataclass(frozen=True)
class Verdicts:
    """Shares of runs, 0 to 1."""

    failed: float
    passed: float

    @property
    def undecided(self) -> float:
        """What is left."""
        return max(0.0, 1 - self.failed - self.passed)


def simulate(case: Case, runs: int, seed: int = 1, tolerance: float = TOLERANCE) -> Verdicts:
    """What the gate says of runs, by its own rules.

    Args:
        case: how runs come about.
        runs: how many.
        seed: of the random numbers.
        tolerance: of the gate.
    """
    random = np.random.default_rng([seed, case.processes, round(case.noise * 1e6)])
    before = _times(random, case, case.before or case.processes, runs)
    after = _times(random, case, case.processes, runs) + np.log1p(case.changes)
    found = compare_means(*(side.reshape(len(side), -1) for side in (before, after)))
    columns = {name: values.reshape(runs, -1) for name, values in vars(found).items()}
    is_slower = np.array(
        [real(Differences(**{name: values[run] for name, values in columns.items()}))[0] for run in range(runs)]
    )
    ruling = rule(columns["difference"], columns["high"], is_slower, tolerance)
    is_failed = ruling.is_failed.any(axis=1)
    return Verdicts(float(is_failed.mean()), float((ruling.is_passed.all(axis=1) & ~is_failed).mean()))


def _times(random: np.random.Generator, case: Case, processes: int, runs: int) -> NDArray[np.float64]:
    """Logarithms of medians around 0, shape (processes, runs, numbers)."""
    own = _noise(random, case.shape, (processes, runs, len(case.changes)))
    common = _noise(random, case.shape, (processes, runs, 1))
    return case.noise * (np.sqrt(1 - case.shared) * own + np.sqrt(case.shared) * common)


def _noise(random: np.random.Generator, shape: str, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Mean 0, variance 1."""
    values = random.standard_normal(size)
    if shape == "normal":
        return values
    often, stall = 0.05, 4.0
    values += stall * (random.random(size) < often)
    return (values - often * stall) / np.sqrt(1 + often * (1 - often) * stall**2)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20_000, help="of each case")
    runs = parser.parse_args().runs
    for shared, shape in ((0.3, "normal"), (0.9, "normal"), (0.3, "stalls")):
        print(f"\nOf the variance {shared:.0%} is common to a process's numbers; noise: {shape}.\n")
        print("| Noise % | Processes | " + " | ".join(f"{name}: failed | passed | open" for name in CHANGES) + " |")
        print("|---:|---:|" + "---:|" * 3 * len(CHANGES))
        for noise in NOISES:
            for processes in PROCESSES:
                found = [
                    simulate(Case(noise, processes, changes, shared=shared, shape=shape), runs)
                    for changes in CHANGES.values()
                ]
                cells = [f"{share * 100:.1f}" for one in found for share in (one.failed, one.passed, one.undecided)]
                print(f"| {noise * 100:g} | {processes} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
