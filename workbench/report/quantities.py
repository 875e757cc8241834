"""Numbers as people read them."""

import math
from collections.abc import Sequence

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))
# A difference of times that is smaller is one of rounding.
_LEAST_NS = 0.005
# Beyond, decimals of a percentage tell nothing.
_MANY_TIMES = 10
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def time(ns: float) -> str:
    """A time with three significant digits, such as `4.91 ms`."""
    return _scaled(ns, _TIMES, "ns")


def times(times_ns: Sequence[float]) -> list[str]:
    """Times in one unit, that of the longest, as on an axis."""
    longest = max(map(abs, times_ns), default=0)
    factor, unit = next((scale for scale in _TIMES if longest >= scale[0]), (1.0, "ns"))
    return [f"{_three_digits(time_ns / factor)} {unit}" if time_ns else "0" for time_ns in times_ns]


def axis(times_ns: Sequence[float], step_ns: float) -> list[str]:
    """Times on an axis, `step_ns` apart, in one unit and with as many decimals as tell neighbours apart."""
    longest = max(map(abs, times_ns), default=0)
    factor, unit = next((scale for scale in _TIMES if longest >= scale[0]), (1.0, "ns"))
    decimals = max(0, -math.floor(math.log10(step_ns / factor)))
    return [f"{time_ns / factor:.{decimals}f} {unit}" if time_ns else "0" for time_ns in times_ns]


def difference(ns: float) -> str:
    """A difference of times, with its sign: `+12.3 µs`, `-197 µs`, `0 ns`."""
    return _signed(ns, time(ns)) if abs(ns) >= _LEAST_NS else "0 ns"


def differences(low_ns: float, high_ns: float) -> str:
    """An interval of such differences, in one unit: `-210 to -184 µs`."""
    texts = times([low_ns, high_ns])
    unit = next((text.split()[1] for text in texts if text != "0"), "ns")
    low, high = (_signed(ns, text.split()[0]) for ns, text in zip((low_ns, high_ns), texts, strict=True))
    return f"{interval(low, high)} {unit}"


def change(fraction: float) -> str:
    """A difference as a share of what there was before, with its sign: `+12.3 %`."""
    if abs(fraction) >= _MANY_TIMES:
        return _signed(fraction, f"{count(round(fraction * 100))} %")
    text = share(abs(fraction))
    return text if text.startswith("<") else _signed(fraction, f"-{text}" if fraction < 0 else text)


def size(count_bytes: float) -> str:
    """A size with three significant digits, such as `3.41 GB` (powers of ten)."""
    return _scaled(count_bytes, _SIZES, "B")


def share(fraction: float) -> str:
    """A share in percent: `58.0 %`, `0.03 %`."""
    percent = fraction * 100
    if 0 < abs(percent) < 0.005:
        return "<0.01 %"
    return f"{percent:.2f} %" if 0 < abs(percent) < 0.1 else f"{percent:.1f} %"


def count(number: float) -> str:
    """A count in groups of three: `44 352`; one decimal where it is not whole."""
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
    return text.replace(",", " ")


def rate(number: int, time_ns: int) -> str:
    """How many a second, with three significant digits: `9.95`, `12 300`; a `-` where no time passed."""
    if not time_ns:
        return "-"
    per_second = number * 1e9 / time_ns
    if per_second >= 100:
        return count(float(f"{per_second:.3g}"))
    return _three_digits(per_second) if per_second >= 1 else f"{per_second:.3g}"


def interval(low: str, high: str) -> str:
    """Two quantities as an interval, or one where they read alike."""
    return low if low == high else f"{low} to {high}"


def counted(number: float, noun: str) -> str:
    """A count and what it counts: `1 kernel`, `44 352 kernels`, `2 launches`."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{count(number)} {noun}{ending}"


def _signed(value: float, text: str) -> str:
    return f"+{text}" if value > 0 and text != "0" else text


def _scaled(value: float, scales: tuple[tuple[float, str], ...], unit: str) -> str:
    for factor, name in scales:
        if abs(value) >= factor:
            return f"{_three_digits(value / factor)} {name}"
    return f"{value:.0f} {unit}" if float(value).is_integer() else f"{_three_digits(value)} {unit}"


def _three_digits(value: float) -> str:
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f}"
