"""Times pieces of work on a stream against each other."""

import math
from collections.abc import Callable, Sequence
from statistics import median

_WARM_UPS = 2
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

    works = [all(candidate() for _ in range(_WARM_UPS)) for candidate in candidates]
    samples: list[list[float]] = [[] for _ in candidates]
    start, end = (runtime.cudaEventCreate()[1] for _ in range(2))
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
