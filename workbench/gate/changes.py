"""What differs between two measurements of a model, number by number, whichever way it moved."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from workbench.gate import speed
from workbench.gate.measured import MeasuredModel, Number


class Kind(StrEnum):
    """What a difference is."""

    BETTER = "better"
    WORSE = "worse"
    NONE = "no difference shown"
    UNKNOWN = "cannot be told"
    """A single process on each side: there is no noise to hold a difference against."""
    ADDED = "only in the new one"
    REMOVED = "only in the old one"


@dataclass(frozen=True)
class Change:
    """One number, old and new.

    Attributes:
        name: that of a bench, or a use of memory such as `peak_bytes`.
        unit: `ns` or `bytes`; less is better of both.
        old, new: of a bench geometric means over processes; None on the side that does not have it.
        change: new over old, less one.
        interval: where the true change lies, 95 times in 100, as shares.
        kind: what that comes to.
    """

    name: str
    unit: str
    old: float | None
    new: float | None
    change: float | None
    interval: tuple[float, float] | None
    kind: Kind


def changes(old: MeasuredModel, new: MeasuredModel) -> tuple[Change, ...]:
    """Every number of either side: benches in the order of the old one, then memory.

    Benches are judged as the gate of speed judges them, all together.
    """
    return (*_times(old, new), *_memory(old, new))


def are_of_one_bench(one: Number, other: Number) -> bool:
    """Whether two numbers are of the same bench, run alike; an imported one does not tell of graphs."""
    graphs = {one.graphs, other.graphs} - {None}
    alike = (one.name, one.phase, one.tokens, one.depth) == (other.name, other.phase, other.tokens, other.depth)
    return alike and len(graphs) <= 1


def _times(old: MeasuredModel, new: MeasuredModel) -> Iterator[Change]:
    pairs = [
        (number, other)
        for number in old.numbers
        if (other := new.number(number.name)) and are_of_one_bench(number, other)
    ]
    compared = {one.baseline.name: one for one in speed.changes(pairs)}
    for number in old.numbers:
        if one := compared.get(number.name):
            yield Change(number.name, "ns", one.baseline_ns, one.now_ns, one.change, one.interval, _kind(one))
        else:
            yield _one_sided(number.name, "ns", number.median_ns, None)
    for number in new.numbers:
        if number.name not in compared:
            yield _one_sided(number.name, "ns", None, number.median_ns)


def _kind(one: speed.NumberChange) -> Kind:
    if one.interval is None:
        return Kind.UNKNOWN
    return Kind.WORSE if one.is_slower else Kind.BETTER if one.is_faster else Kind.NONE


def _memory(old: MeasuredModel, new: MeasuredModel) -> Iterator[Change]:
    """Bytes have no noise: what differs, differs."""
    sides = [asdict(one.memory) if one.memory else {} for one in (old, new)]
    for name in dict.fromkeys(name for side in sides for name in side):
        before, after = (side.get(name) for side in sides)
        if before is None or after is None:
            yield _one_sided(name, "bytes", before, after)
            continue
        kind = Kind.NONE if before == after else Kind.BETTER if after < before else Kind.WORSE
        yield Change(name, "bytes", before, after, after / before - 1 if before else None, None, kind)


def _one_sided(name: str, unit: str, old: float | None, new: float | None) -> Change:
    return Change(name, unit, old, new, None, None, Kind.ADDED if old is None else Kind.REMOVED)
