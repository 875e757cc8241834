"""The tables of baselines, as texts that people read."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import fmean

from workbench.compare import estimate
from workbench.compare.fingerprint import Fingerprint
from workbench.gate.changes import Change, Kind
from workbench.gate.measured import Conditions, MeasuredModel, Number, StepFacts
from workbench.gate.spreads import spread_of
from workbench.report import quantities
from workbench.report.diff_tables import NOTHING, DiffTable
from workbench.report.terms import IDLE_NAMES

_USES = {
    "weights_bytes": "weights",
    "cache_bytes": "cache",
    "workspaces_bytes": "workspaces",
    "peak_bytes": "peak",
}
_FACTS = (
    "weights", "weights_source", "variant", "gpu", "driver", "cuda", "max_clocks", "power_limit", "nsys", "commit",
    "worktree",
)  # fmt: skip
_KINDS = {
    Kind.BETTER: estimate.Change.BETTER,
    Kind.WORSE: estimate.Change.WORSE,
    Kind.NONE: estimate.Change.NONE_SHOWN,
}


def speed_table(measured: MeasuredModel) -> DiffTable:
    """The benches, with how far their times lie apart."""
    rows = [
        (
            number.name,
            quantities.time(number.median_ns),
            rate_text(number),
            *(NOTHING if share is None else quantities.share(share) for share in asdict(spread_of(number)).values()),
            f"{len(number.samples_ns)} x {max(map(len, number.samples_ns))}",
        )
        for number in measured.numbers
    ]
    headings = ("bench", "median", "tok/s", "spread within", "spread between", "processes x times")
    return DiffTable(headings, tuple(rows), 1, (None,) * len(rows))


def memory_table(measured: MeasuredModel) -> DiffTable:
    """Memory by use; nothing where nobody told."""
    uses = asdict(measured.memory) if measured.memory else {}
    rows = tuple((_USES.get(name, name), quantities.size(size_bytes)) for name, size_bytes in uses.items())
    return DiffTable(("memory", "bytes"), rows, 1, (None,) * len(rows))


def step_table(measured: MeasuredModel) -> DiffTable:
    """What a captured step of decode is made of, the means over the captures taken in one way."""
    ways = {graphs: [one for one in measured.captures if one.graphs is graphs] for graphs in (True, False)}
    sides = [found for found in ways.values() if found]
    headings = ("of a step", *(_way(found) for found in sides))
    labels = dict.fromkeys((part.label, part.is_idle) for found in sides for one in found for part in one.parts)
    rows = [
        (_part_label(label, is_idle=is_idle), *(_mean_time(found, label, is_idle) for found in sides))
        for label, is_idle in labels
    ]
    rows += [
        ("step", *(quantities.time(fmean(one.wall_ns for one in found)) for found in sides)),
        ("kernels", *(quantities.count(round(fmean(one.kernels for one in found), 1)) for found in sides)),
        ("launches", *(quantities.count(round(fmean(one.launches for one in found), 1)) for found in sides)),
    ]
    return DiffTable(headings, tuple(rows) if sides else (), 1, (None,) * len(rows))


def change_table(changes: Sequence[Change]) -> DiffTable:
    """Every number of two measurements: old, new, difference, and whether that is real."""
    rows = [
        (
            _USES.get(one.name, one.name),
            str(one.kind),
            _value(one, one.old),
            _value(one, one.new),
            NOTHING if one.change is None else quantities.change(one.change),
            NOTHING if one.interval is None else quantities.interval(*map(quantities.change, one.interval)),
        )
        for one in changes
    ]
    headings = ("number", "is", "old", "new", "difference", "interval")
    return DiffTable(headings, tuple(rows), 2, tuple(_KINDS.get(one.kind) for one in changes))


def fingerprint_sentences(measured: MeasuredModel) -> Iterator[str]:
    """What was measured, when, on what, in which state; a sentence each."""
    yield (
        f"Measured {measured.measured_utc}, {quantities.counted(measured.repetitions, 'repetition')} in a process; "
        f"captures: {len(measured.captures)}."
    )
    facts = known_facts(measured.fingerprint)
    if facts:
        yield f"{'; '.join(facts)}."
    if conditions := conditions_text(measured.conditions):
        yield f"Under load: {conditions}."
    yield from measured.remarks


def known_facts(one: Fingerprint) -> list[str]:
    """What a fingerprint tells of model and machine."""
    return [f"{name.replace('_', ' ')} {value}" for name in _FACTS if (value := getattr(one, name)) is not None]


def conditions_text(conditions: Conditions) -> str:
    """The state of the machine; empty where nobody told."""
    return ", ".join(_conditions(conditions))


def rate_text(number: Number) -> str:
    """Tokens a second, with three significant digits."""
    return quantities.rate(number.tokens, round(number.median_ns))


def _conditions(conditions: Conditions) -> Iterator[str]:
    if conditions.sm_clock_mhz is not None:
        most = f" of {conditions.max_sm_clock_mhz}" if conditions.max_sm_clock_mhz is not None else ""
        yield f"SM clock {conditions.sm_clock_mhz}{most} MHz"
    if conditions.power_w is not None:
        limit = f" of {conditions.power_limit_w:.0f}" if conditions.power_limit_w is not None else ""
        yield f"power {conditions.power_w:.0f}{limit} W"
    if conditions.performance_state is not None:
        yield conditions.performance_state
    if conditions.throttle_reasons:
        yield f"held down by {' and '.join(conditions.throttle_reasons)}"
    if conditions.other_processes:
        yield f"{conditions.other_processes} other processes on the GPU"


def _way(captures: Sequence[StepFacts]) -> str:
    graphs = "graphs" if captures[0].graphs else "single launches"
    return f"{graphs} ({quantities.counted(len(captures), 'capture')})"


def _part_label(label: str, *, is_idle: bool) -> str:
    return f"idle: {IDLE_NAMES.get(label, label)}" if is_idle else label


def _mean_time(captures: Sequence[StepFacts], label: str, is_idle: bool) -> str:
    times_ns = [
        sum(part.time_ns for part in one.parts if part.label == label and part.is_idle is is_idle) for one in captures
    ]
    return quantities.time(fmean(times_ns))


def _value(one: Change, value: float | None) -> str:
    if value is None:
        return NOTHING
    return quantities.time(value) if one.unit == "ns" else quantities.size(value)
