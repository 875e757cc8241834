"""Numbers and names in the sentences of gates."""

from collections.abc import Mapping, Sequence

from workbench.analysis.idle import IdleKind

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))
_IDLE_WORDS = {kind.label: kind.words for kind in IdleKind}


def duration(time_ns: float) -> str:
    """A time with three significant digits: `1.44 ms`, `227 µs`."""
    factor, unit = next((scale for scale in _TIMES if abs(time_ns) >= scale[0]), (1.0, "ns"))
    value = time_ns / factor
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f} {unit}"


def from_to(before_ns: float, after_ns: float) -> str:
    """Two times in one unit, that of the longer one: `843 -> 1070 µs`.

    Of times about a millisecond it is the microseconds that tell: only from ten on they are in milliseconds.
    """
    longer = max(abs(before_ns), abs(after_ns))
    factor, unit = next(
        (scale for scale in _TIMES if longer >= scale[0] * (10 if scale[1] == "ms" else 1)), (1.0, "ns")
    )
    digits = 1 if longer / factor < 100 else 0
    before, after = (f"{time_ns / factor:.{digits}f}" if time_ns else "0" for time_ns in (before_ns, after_ns))
    return f"{before} -> {after} {unit}"


def part_name(label: str, *, is_idle: bool) -> str:
    """What a part of a step is called: a layer type, or `idle (waiting for launches)`."""
    return f"idle ({_IDLE_WORDS.get(label, label)})" if is_idle else label


def calls_text(calls: Mapping[str, float]) -> str:
    """Calls and how often a step makes them: `cudaMalloc (1 a step) and cudaFree (0.5 a step)`."""
    return listed([f"{name} ({_mean(number)} a step)" for name, number in calls.items()])


def listed(texts: Sequence[str]) -> str:
    """Texts as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _mean(number: float) -> str:
    return f"{number:.0f}" if number >= 10 or number.is_integer() else f"{number:.2g}"
