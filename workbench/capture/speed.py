"""How fast a program says that it was."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.manifest import Speed

_MOST_RUNS = 10_000
_MOST_NS = 2**62


def speed_of(workloads: Sequence[Mapping[str, Any]]) -> Speed | None:
    """The speed over some runs, by the `timings` of what the program wrote in each; None where it tells none.

    Runs of another number of steps than the first are left out.
    """
    speeds = [speed for workload in workloads if (speed := _speed(workload.get("timings"))) is not None]
    alike = [speed for speed in speeds if speed.decode_steps == speeds[0].decode_steps]
    if not alike:
        return None
    return Speed(
        prefill_ns=tuple(time_ns for speed in alike for time_ns in speed.prefill_ns),
        decode_ns=tuple(time_ns for speed in alike for time_ns in speed.decode_ns),
        decode_steps=alike[0].decode_steps,
    )


def other_results(unprofiled: Mapping[str, Any] | None, profiled: Sequence[Mapping[str, Any]]) -> str:
    """A warning where the program chose other tokens under the profiler than without it; empty where it did not."""
    expected = _tokens(unprofiled)
    if expected is None or all(_tokens(workload) in (None, expected) for workload in profiled):
        return ""
    return "the program's tokens differ with and without the profiler: something in it depends on time"


def _tokens(workload: Mapping[str, Any] | None) -> str | None:
    results = workload.get("results") if workload else None
    tokens = results.get("tokens_sha256") if isinstance(results, dict) else None
    return tokens if isinstance(tokens, str) else None


def _speed(timings: Any) -> Speed | None:
    if not isinstance(timings, dict):
        return None
    prefill_ns, decode_ns = _times(timings.get("prefill_ns")), _times(timings.get("decode_ns"))
    steps = timings.get("decode_steps")
    if not (prefill_ns and decode_ns and _is_whole(steps) and steps):
        return None
    return Speed(prefill_ns, decode_ns, steps)


def _times(values: Any) -> tuple[int, ...]:
    """The times; none where one is no time."""
    if not isinstance(values, list) or len(values) > _MOST_RUNS or not all(map(_is_whole, values)):
        return ()
    return tuple(values)


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST_NS
