"""Times pieces of work on a stream against each other."""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

_ROUNDS = 7
# So many times between two events, which then see little of what a launch takes the host.
_REPETITIONS = 3


def time_candidates(candidates: Sequence[Callable[[], bool]], stream: int) -> tuple[float, ...]:
    """The median time of each candidate in microseconds, infinite for those that say that they failed.

    Every candidate is warmed up before the first is timed, and they take turns, so that clocks and caches are the same
    for all.

    Args:
        candidates: each asks for work on the stream, and says whether it could.
        stream: the handle of the stream.
    """
    from cuda.bindings import runtime

    works = [_both(candidate(), candidate()) for candidate in candidates]
    (start, end), samples = _events(2), [list[float]() for _ in candidates]
    runtime.cudaStreamSynchronize(stream)
    for _ in range(_ROUNDS):
        for index, candidate in enumerate(candidates):
            if not works[index]:
                continue
            runtime.cudaEventRecord(start, stream)
            for _ in range(_REPETITIONS):
                candidate()
            runtime.cudaEventRecord(end, stream)
            runtime.cudaEventSynchronize(end)
            _, milliseconds = runtime.cudaEventElapsedTime(start, end)
            samples[index].append(milliseconds * 1e3 / _REPETITIONS)
    for event in (start, end):
        runtime.cudaEventDestroy(event)
    return tuple(median(times) if times else math.inf for times in samples)


def _both(first: bool, second: bool) -> bool:
    return first and second


def _events(count: int) -> list[Any]:
    from cuda.bindings import runtime

    return [runtime.cudaEventCreate()[1] for _ in range(count)]
