"""How far the times of a bench lie apart: within a process, and between processes."""

from dataclasses import dataclass
from statistics import fmean, median, stdev

from workbench.gate.measured import Number


@dataclass(frozen=True)
class Spread:
    """Standard deviations, as shares of the mean; None where there are too few times to have one.

    Attributes:
        within: of repetitions in a process, the median over processes.
        between: of the processes' medians, which is what a comparison rests on.
    """

    within: float | None
    between: float | None


def spread_of(number: Number) -> Spread:
    """The spreads of a bench."""
    within = [stdev(times_ns) / fmean(times_ns) for times_ns in number.samples_ns if len(times_ns) > 1]
    medians_ns = number.medians_ns
    return Spread(
        within=median(within) if within else None,
        between=stdev(medians_ns) / fmean(medians_ns) if len(medians_ns) > 1 else None,
    )
