"""Refuses what cannot have been measured, wherever it comes from: a wrong unit is far off, and says nothing of itself.

Every pass of a model reads its weights: a decode step is one pass, a prefill at least one. So no pass is faster than
the device can read them. The copy speed, measured beside the numbers, is the best bound; else the data sheet's, for a
GPU that is known by its name; else more than any device has. Weights that fit in a cache may be read faster than from
memory: for these only the last bound holds.
"""

import math
import re
from collections.abc import Iterator
from itertools import product

from workbench.errors import UserError
from workbench.gate.measured import MeasuredModel, Number

# A copy reads as much as it writes, and reading alone may be a little faster.
_SLACK = 1.05
# No device reads faster.
_MOST_BYTES_PER_S = 20e12
# No device caches more.
_LARGEST_CACHE_BYTES = 256 << 20
# Bits of a weight that no format goes below, in bytes; and those of the widest that is run as it is.
_LEAST_BYTES_A_WEIGHT = 0.25
_MOST_BYTES_A_WEIGHT = 2.0
# A model may have fewer weights than its name says, and decode does not read the table of embeddings.
_OF_NAMED_WEIGHTS = 0.85
# Launching a single kernel takes as long.
_SHORTEST_PASS_NS = 2_000
_LONGEST_TOKEN_NS = 3600 * 10**9
# How many times a prefill's token may take a decode step's time, for quadratic attention on a slow backend; and how
# many prefills a decode step may take. All lengths together are held to less.
_FAR = 8
_SLOWER = 1.5
# No program that runs on a GPU reads weights this many times slower than the GPU can.
_SLOWEST = 50
# Of a prefill that takes so long, launches and weights are no part to speak of: one of so many times the tokens takes
# at least half as many times the time.
_LONG_PASS_NS = 10**9
_LONGER = 4
_LEAST_GROWTH = 0.5

# Memory bandwidth by the makers' data sheets, of several versions the fastest.
_BANDWIDTHS = {
    "GB300": 8e12, "B300": 8e12, "GB200": 8e12, "B200": 8e12, "GH200": 4.9e12, "H200": 4.8e12, "H100": 3.94e12,
    "H20": 4.0e12, "A100": 2.04e12, "A40": 0.696e12, "A10": 0.6e12, "L40S": 0.864e12, "L40": 0.864e12, "L4": 0.3e12,
    "V100": 1.134e12, "T4": 0.32e12, "RTX PRO 6000": 1.792e12, "RTX 6000": 0.96e12, "A6000": 0.768e12,
    "RTX 5090": 1.792e12, "RTX 5080": 0.96e12, "RTX 4090": 1.008e12, "RTX 4080": 0.737e12, "RTX 3090": 1.008e12,
    "GB10": 0.273e12,
}  # fmt: skip
# Bytes a weight with its scales, by the formats' blocks (GGML's, and those of four-bit floats).
_BYTES_A_WEIGHT = {
    "f32": 4.0, "fp32": 4.0, "bf16": 2.0, "f16": 2.0, "fp16": 2.0, "fp8": 1.0, "q8_0": 34 / 32, "q6_k": 210 / 256,
    "q5_k": 176 / 256, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_k": 144 / 256, "q4_1": 20 / 32, "q4_0": 18 / 32,
    "q3_k": 110 / 256, "q2_k": 84 / 256, "nvfp4": 9 / 16, "mxfp4": 17 / 32,
}  # fmt: skip
_FORMAT = re.compile(rf"(?<![a-z0-9])({'|'.join(_BYTES_A_WEIGHT)})(?![a-z0-9])")
_COUNT = re.compile(r"(\d+) x ")
# "4B" in a name, and of "35B-A3B" the weights that a token uses.
_BILLIONS = re.compile(r"(?<![a-z0-9.])a?(\d+(?:\.\d+)?)b(?![a-z0-9])")


def refuse_implausible(measured: MeasuredModel, where: str, *, speeds_told: bool = False) -> None:
    """Refuses measurements that cannot be.

    Args:
        measured: of one model.
        where: what they come from, for the message.
        speeds_told: the times were computed from speeds that somebody told; what is wrong then has other causes.

    Raises:
        UserError: something cannot be.
    """
    found = problem(measured, speeds_told=speeds_told)
    if found:
        raise UserError(f"{where} is implausible: {found}; measure it again, or mend what it came from")


def problem(measured: MeasuredModel, *, speeds_told: bool = False) -> str:
    """What is wrong with measurements, and what it probably is, a clause; empty where they may be true.

    Args:
        measured: of one model.
        speeds_told: as for `refuse_implausible`.
    """
    found = next(_problems(measured, speeds_told), "")
    return f"{measured.request.model}: {found}" if found else ""


def _problems(measured: MeasuredModel, speeds_told: bool) -> Iterator[str]:
    yield from _facts(measured)
    for number in measured.numbers:
        yield from _times(number)
        yield from _too_fast(measured, number, speeds_told)
        if speeds_told:
            yield from _too_slow(measured, number)
    if speeds_told:
        yield from _growing(measured)
    yield from _unlike(measured, speeds_told)


def _facts(measured: MeasuredModel) -> Iterator[str]:
    if measured.repetitions < 1:
        yield f"it was repeated {measured.repetitions} times"
    for label, value in (
        ("copy speed", measured.copy_bytes_per_s),
        ("size of the weights", measured.step_weight_bytes),
    ):
        if value is not None and not 0 < value < math.inf:
            yield f"the {label} is {value:g}"
    if measured.memory and min(vars(measured.memory).values()) < 0:
        yield "less than no memory is used"


def _times(number: Number) -> Iterator[str]:
    if number.tokens < 1 or number.depth < 0:
        yield f"{number.name} is for {number.tokens} tokens behind {number.depth}"
    elif not number.samples_ns or not all(number.samples_ns):
        yield f"{number.name} has processes without times"
    elif not all(0 < time_ns < math.inf for times_ns in number.samples_ns for time_ns in times_ns):
        yield f"{number.name} has times that are not above zero"
    elif number.median_ns > _LONGEST_TOKEN_NS * number.tokens:
        yield f"{number.name} takes more than an hour a token, which looks like another unit than nanoseconds"


def _too_fast(measured: MeasuredModel, number: Number, speeds_told: bool) -> Iterator[str]:
    """Passes that are shorter than reading the weights takes."""
    pass_ns = min(number.medians_ns) / (number.tokens if number.phase == "decode" else 1)
    speed = f"{number.name} runs at {_rate(number)} tokens/s"
    if pass_ns < _SHORTEST_PASS_NS:
        hint = _hint(_SHORTEST_PASS_NS / pass_ns, speeds_told)
        yield f"{speed}, a pass in {pass_ns / 1e3:.3g} µs, less than launching a kernel takes: {hint}"
        return
    weight_bytes = measured.step_weight_bytes or _least_weight_bytes(measured)
    bound, source = _bound(measured, weight_bytes)
    bytes_per_s = weight_bytes / pass_ns * 1e9
    if bytes_per_s > bound:
        yield (
            f"{speed} and would read weights at {bytes_per_s / 1e12:.3g} TB/s, where {source} allows "
            f"{bound / 1e12:.3g}: {_hint(bytes_per_s / bound, speeds_told)}"
        )


def _too_slow(measured: MeasuredModel, number: Number) -> Iterator[str]:
    """Speeds that are told and far below what the GPU can do, where model and GPU are known."""
    weight_bytes = _weights_named(measured) * (_format_named(measured) or _MOST_BYTES_A_WEIGHT)
    bound = _known_bandwidth(measured)
    if weight_bytes and weight_bytes * number.tokens_per_s * _SLOWEST < bound:
        yield (
            f"{number.name} runs at {_rate(number)} tokens/s, where the memory of {measured.fingerprint.gpu} allows "
            f"{bound / weight_bytes:.3g} in decode: it looks like milliseconds, not tokens per second"
        )


def _growing(measured: MeasuredModel) -> Iterator[str]:
    """Speeds that are told and grow with the prompt as times do: long passes would hardly take longer for more."""
    prefills = [number for number in measured.numbers if number.phase == "prefill" and not number.depth]
    steps_ns = [one.median_ns / one.tokens for one in measured.numbers if one.phase == "decode"]
    # Weights that are read from elsewhere take as long for any prompt, and for a decode step.
    least_ns = max(_LONG_PASS_NS, _FAR * max(steps_ns, default=0))
    for short, long in product(prefills, prefills):
        more = long.tokens / short.tokens
        if more >= _LONGER and least_ns < short.median_ns > long.median_ns / (_LEAST_GROWTH * more):
            yield (
                f"{short.name} runs at {_rate(short)} tokens/s and {long.name} at {_rate(long)}, which grows with the "
                "prompt as a time does: it looks like milliseconds, not tokens per second"
            )


def _hint(excess: float, speeds_told: bool) -> str:
    if speeds_told:
        return "it looks like a time, or the speed of many sequences together"
    if excess < 10:
        return "it looks like a time taken before the work was done"
    unit = "microseconds" if excess < 10_000 else "milliseconds"
    return f"it looks like {unit} taken for nanoseconds"


def _bound(measured: MeasuredModel, weight_bytes: float) -> tuple[float, str]:
    """The most bytes a second that the device reads, and who says so."""
    if weight_bytes > _LARGEST_CACHE_BYTES:
        if measured.copy_bytes_per_s:
            return measured.copy_bytes_per_s * _SLACK, "the measured copy speed"
        if known := _known_bandwidth(measured):
            return known * _SLACK, f"the memory of {measured.fingerprint.gpu}"
    return _MOST_BYTES_PER_S, "the fastest device"


def _known_bandwidth(measured: MeasuredModel) -> float:
    """Of a GPU that is known by its name, or of several; 0 where it is not."""
    gpu = measured.fingerprint.gpu or ""
    count = _COUNT.match(gpu)
    known = (speed for name, speed in _BANDWIDTHS.items() if re.search(rf"\b{name}\b", gpu))
    return max(known, default=0.0) * (int(count[1]) if count else 1)


def _least_weight_bytes(measured: MeasuredModel) -> float:
    """What a pass reads at least, by parameters and format in the model's names; 0 where they tell no parameters."""
    a_weight = _format_named(measured)
    a_weight = _LEAST_BYTES_A_WEIGHT if a_weight is None else _OF_NAMED_WEIGHTS * a_weight
    return _weights_named(measured) * a_weight


def _weights_named(measured: MeasuredModel) -> float:
    """How many weights a token uses, by the model's names; 0 where they tell none."""
    names = (measured.fingerprint.model or "", measured.request.model)
    billions = [float(number) for name in names for number in _BILLIONS.findall(name.casefold())]
    return min(billions, default=0) * 1e9


def _format_named(measured: MeasuredModel) -> float | None:
    """Bytes a weight in the format that options or names tell, of several the least; None where they tell none."""
    request = measured.request
    names = (measured.fingerprint.model, request.model, request.weights, request.weight_format)
    found = [_BYTES_A_WEIGHT[kind] for name in names if name for kind in _FORMAT.findall(name.casefold())]
    return min(found, default=None)


def _unlike(measured: MeasuredModel, speeds_told: bool) -> Iterator[str]:
    """Prefill and decode that cannot be of one model."""
    prefills = [number for number in measured.numbers if number.phase == "prefill"]
    decodes = [number for number in measured.numbers if number.phase == "decode"]
    unit = "milliseconds, not tokens per second" if speeds_told else "another unit than nanoseconds"
    for prefill, decode in product(prefills, decodes):
        if decode.median_ns / decode.tokens > _FAR * prefill.median_ns:
            yield (
                f"{decode.name} runs at {_rate(decode)} tokens/s, so that a step would take longer than {_FAR} whole "
                f"prefills ({prefill.name}): it looks like {unit}"
            )
        if prefill.tokens_per_s * _FAR < decode.tokens_per_s:
            yield (
                f"{prefill.name} runs at {_rate(prefill)} tokens/s, far slower a token than {decode.name} "
                f"({_rate(decode)} tokens/s): it looks like {unit}"
            )
    if prefills and decodes:
        prefill, decode = (max(some, key=lambda one: one.tokens_per_s) for some in (prefills, decodes))
        if prefill.tokens_per_s * _SLOWER < decode.tokens_per_s:
            yield (
                f"every prefill is slower a token than {decode.name} ({_rate(decode)} tokens/s), even {prefill.name} "
                f"({_rate(prefill)} tokens/s): it looks like {unit}"
            )


def _rate(number: Number) -> str:
    return f"{number.tokens_per_s:.4g}"
