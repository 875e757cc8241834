"""Numbers that stand for several measurements."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """The middle of some measurements, and how far they lie apart.

    Attributes:
        median: half of them are smaller.
        spread: half the distance between the quartiles, each interpolated between its neighbours.
    """

    median: float
    spread: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def spread_of(samples: Sequence[float]) -> Spread:
    """Median and spread of at least one measurement."""
    first, middle, third = np.percentile(np.asarray(samples, np.float64), [25, 50, 75])
    return Spread(float(middle), float(third - first) / 2)
