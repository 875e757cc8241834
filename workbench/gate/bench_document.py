"""Reads what the engine's benchmarks say (`engine.bench/1`), a document a process.

Documents may be of any commit: what later ones tell, and these do not, is unknown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from workbench.decoding import MismatchError, decode
from workbench.gate.measured import Conditions, Memory, Number, Results

SCHEMA = "engine.bench/1"


@dataclass(frozen=True)
class BenchTest:
    """The times of one bench in one process; `depth` tokens were in the cache before."""

    phase: str
    tokens: int
    samples_ns: tuple[int, ...]
    graphs: bool | None = None
    depth: int = 0


@dataclass(frozen=True)
class LeftOut:
    """A bench that was asked for, but does not fit the model."""

    phase: str
    tokens: int
    depth: int = 0


@dataclass(frozen=True)
class BenchDevice:
    """The device, and how fast it copied."""

    name: str
    copy_bytes_per_s: float | None = None


@dataclass(frozen=True)
class BenchLogits:
    """Logits behind the prompt: a digest of all, and a sample."""

    sha256: str | None = None
    sample: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class BenchResults:
    """What was computed."""

    tokens_sha256: str | None = None
    tokens: tuple[int, ...] = ()
    logits: BenchLogits | None = None


@dataclass(frozen=True)
class BenchConditions:
    """The machine under load, as far as its driver tells; as `Conditions`."""

    sm_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    performance_state: str | None = None
    throttle_reasons: tuple[str, ...] | None = None
    other_processes: int | None = None


@dataclass(frozen=True)
class BenchEntry:
    """What one process says of one model."""

    device: BenchDevice
    tests: tuple[BenchTest, ...]
    memory: Memory | None = None
    step_weight_bytes: int | None = None
    results: BenchResults | None = None
    conditions: BenchConditions | None = None
    left_out: tuple[LeftOut, ...] = ()


def read_entry(document: Any) -> BenchEntry:
    """The one model of a document.

    Raises:
        MismatchError: it is no such document, or holds no times.
    """
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise MismatchError(f"it is not of schema {SCHEMA}")
    models = document.get("models")
    if not isinstance(models, list) or len(models) != 1:
        raise MismatchError("it does not hold one model")
    entry = decode(BenchEntry, models[0])
    if not entry.tests or not all(test.samples_ns and min(test.samples_ns) > 0 for test in entry.tests):
        raise MismatchError("it holds no times")
    return entry


def numbers(entries: Sequence[BenchEntry]) -> tuple[Number, ...]:
    """The benches, with a row of times from each process.

    Decode without graphs has a name of its own only where there was decode with graphs besides: what a user gets is
    `decode.128`, in graphs or not.

    Raises:
        MismatchError: processes ran other benches.
    """
    tests = [{_key(test): test for test in entry.tests} for entry in entries]
    if any(found.keys() != tests[0].keys() for found in tests):
        raise MismatchError("processes ran different benches")
    with_graphs = {(phase, tokens, depth) for phase, tokens, depth, graphs in tests[0] if graphs}
    return tuple(
        Number(
            name=_name(*key[:3]) + (".graphs_off" if test.graphs is False and key[:3] in with_graphs else ""),
            phase=test.phase,
            tokens=test.tokens,
            depth=test.depth,
            graphs=test.graphs,
            samples_ns=tuple(found[key].samples_ns for found in tests),
        )
        for key, test in tests[0].items()
    )


def left_out(entries: Sequence[BenchEntry]) -> tuple[str, ...]:
    """The names of benches that were asked for, but do not fit the model."""
    return tuple(_name(test.phase, test.tokens, test.depth) for test in entries[0].left_out)


def largest_memory(entries: Iterable[BenchEntry]) -> Memory | None:
    """Each use's most over processes; None where nobody tells."""
    told = [entry.memory for entry in entries if entry.memory]
    if not told:
        return None
    return Memory(
        weights_bytes=max(one.weights_bytes for one in told),
        cache_bytes=max(one.cache_bytes for one in told),
        workspaces_bytes=max(one.workspaces_bytes for one in told),
        peak_bytes=max(one.peak_bytes for one in told),
    )


def copy_speed(entries: Iterable[BenchEntry]) -> float | None:
    """How fast the device copied, the median over processes."""
    told = [speed for entry in entries if (speed := entry.device.copy_bytes_per_s)]
    return median(told) if told else None


def results(entries: Sequence[BenchEntry]) -> tuple[Results, bool]:
    """What the first process computed, and whether all others that tell computed the same tokens."""
    told = [entry.results for entry in entries if entry.results]
    if not told:
        return Results(None), True
    first, logits = told[0], told[0].logits or BenchLogits()
    # A sample with a gap is of no use: places would not be those of another.
    sample = tuple(value for value in logits.sample if value is not None)
    found = Results(
        first.tokens_sha256, first.tokens, logits.sha256, sample if len(sample) == len(logits.sample) else ()
    )
    return found, len({one.tokens_sha256 for one in told}) == 1


def worst_conditions(entries: Iterable[BenchEntry]) -> Conditions:
    """The machine at its worst over processes."""
    told = [entry.conditions for entry in entries if entry.conditions]
    return Conditions(
        sm_clock_mhz=_of(min, [one.sm_clock_mhz for one in told]),
        max_sm_clock_mhz=_of(max, [one.max_sm_clock_mhz for one in told]),
        power_w=_of(max, [one.power_w for one in told]),
        power_limit_w=_of(min, [one.power_limit_w for one in told]),
        # P0 is the fastest state, P15 the slowest.
        performance_state=max(
            (one.performance_state for one in told if one.performance_state), key=lambda text: (len(text), text),
            default=None,
        ),
        throttle_reasons=tuple(sorted({reason for one in told for reason in one.throttle_reasons or ()})),
        other_processes=_of(max, [one.other_processes for one in told]),
    )  # fmt: skip


def _of(choose: Any, values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return choose(known) if known else None


def _key(test: BenchTest) -> tuple[str, int, int, bool | None]:
    return test.phase, test.tokens, test.depth, test.graphs


def _name(phase: str, tokens: int, depth: int) -> str:
    return f"{phase}.{tokens}{f'@{depth}' if depth else ''}"
