"""How much a profiler slowed a program down, as far as a few runs can tell."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from workbench.manifest import Slowdown, Speed

_FEWEST_RUNS = 3


class Verdict(Enum):
    """What two sets of times tell of their difference."""

    TOO_FEW = auto()
    WITHIN_SPREAD = auto()
    DIFFERENT = auto()


@dataclass(frozen=True)
class Comparison:
    """Times without and with the profiler: their medians in ns, and what can be said of the two."""

    before_ns: float
    after_ns: float
    verdict: Verdict

    @property
    def factor(self) -> float | None:
        """How many times as long it took; None where that cannot be told."""
        if self.verdict is not Verdict.DIFFERENT or not self.before_ns or not self.after_ns:
            return None
        return self.after_ns / self.before_ns


def compare(before_ns: Sequence[int], after_ns: Sequence[int]) -> Comparison:
    """Compares the times of some runs, one at least on each side.

    They differ where there are three on either side, and their medians lie further apart than the times of either
    side do among themselves.
    """
    before, after = statistics.median(before_ns), statistics.median(after_ns)
    spread = max(max(times_ns) - min(times_ns) for times_ns in (before_ns, after_ns))
    if min(len(before_ns), len(after_ns)) < _FEWEST_RUNS:
        verdict = Verdict.TOO_FEW
    elif abs(after - before) <= spread:
        verdict = Verdict.WITHIN_SPREAD
    else:
        verdict = Verdict.DIFFERENT
    return Comparison(before, after, verdict)


def slowdown(unprofiled: Speed | None, profiled: Speed | None) -> Slowdown | None:
    """How many times as long things took with the profiler; None where nothing of that can be told."""
    if unprofiled is None or profiled is None or unprofiled.decode_steps != profiled.decode_steps:
        return None
    prefill = compare(unprofiled.prefill_ns, profiled.prefill_ns).factor
    decode = compare(unprofiled.decode_ns, profiled.decode_ns).factor
    return None if prefill is None and decode is None else Slowdown(prefill, decode)
