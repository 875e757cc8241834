"""Which findings make one promise, and what part of a step's change is theirs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.compare.moved_parts import PartChange, PartKey
from workbench.findings.finding import Gain, expected_ns


@dataclass(frozen=True)
class Promise:
    """Findings that are met and speak of the same work: a consequence of one change, claimed several times.

    Attributes:
        numbers: the findings'.
        low_ns, high_ns: the largest of their low ends, and of their high ends.
        share: the part of the step's change that is credited to it; those of all promises add up to 1.
        shares: the part that is credited to each finding, at most the promise's: a finding that speaks of some of its
            parts only has what those changed.
    """

    numbers: tuple[str, ...]
    low_ns: int
    high_ns: int
    share: float
    shares: Mapping[str, float]


def promises(
    met: Mapping[str, Gain], parts: Sequence[PartChange], moved: Sequence[PartChange] | None
) -> tuple[Promise, ...]:
    """Puts findings together that speak of the same work, and shares a step's change out among what is left.

    A finding's work is the busy time that it speaks of; of one that speaks of waits alone, those. Waits are shared
    ground else: many remedies shorten them. Promises share the change by how much their work became shorter; where
    that is not known, or none did, by what was counted on.

    Args:
        met: the gains of findings that are met, by their numbers.
        parts: the parts of the step, which tell who speaks of what.
        moved: the same of the step whose change is shared out; None where its parts are not known.
    """
    own = {number: [part for part in parts if number in part.spoken_of_by] for number in met}
    work = {number: _work(spoken) for number, spoken in own.items()}
    groups = _overlapping(work)
    falls_ns = {part.key: -part.time.difference for part in moved or ()}
    by_work = [_fall_ns(_union(work, group), falls_ns) for group in groups]
    expected = [max(expected_ns(met[number].low_ns, met[number].high_ns) for number in group) for group in groups]
    weights = next((one for one in (by_work, expected) if sum(one)), [1.0] * len(groups))
    everything = {number: {part.key for part in spoken} for number, spoken in own.items()}
    return tuple(
        _promise(group, met, weight / sum(weights), everything, falls_ns)
        for group, weight in zip(groups, weights, strict=True)
    )


def _work(spoken: Sequence[PartChange]) -> frozenset[PartKey]:
    busy = frozenset(part.key for part in spoken if not part.is_idle)
    return busy or frozenset(part.key for part in spoken)


def _overlapping(work: Mapping[str, frozenset[PartKey]]) -> list[tuple[str, ...]]:
    """Findings by their work, those together that have some in common, if only by way of others."""
    groups: list[tuple[frozenset[PartKey], tuple[str, ...]]] = []
    for number, own in work.items():
        shared = [group for group in groups if group[0] & own]
        numbers = (*(one for group in shared for one in group[1]), number)
        groups = [group for group in groups if group not in shared]
        groups.append((own.union(*(group[0] for group in shared)), numbers))
    place = {number: at for at, number in enumerate(work)}
    in_order = (tuple(sorted(numbers, key=place.__getitem__)) for _, numbers in groups)
    return sorted(in_order, key=lambda numbers: place[numbers[0]])


def _union(keys: Mapping[str, Iterable[PartKey]], group: Sequence[str]) -> set[PartKey]:
    return {key for number in group for key in keys[number]}


def _fall_ns(keys: Iterable[PartKey], falls_ns: Mapping[PartKey, float]) -> float:
    """How much shorter some parts became together; 0 where they became longer."""
    return max(0.0, sum(falls_ns.get(key, 0.0) for key in keys))


def _promise(
    group: tuple[str, ...],
    met: Mapping[str, Gain],
    share: float,
    spoken: Mapping[str, set[PartKey]],
    falls_ns: Mapping[PartKey, float],
) -> Promise:
    whole_ns = _fall_ns(_union(spoken, group), falls_ns)
    parts = {number: _fall_ns(spoken[number], falls_ns) / whole_ns if whole_ns else 1.0 for number in group}
    return Promise(
        numbers=group,
        low_ns=max(met[number].low_ns for number in group),
        high_ns=max(met[number].high_ns for number in group),
        share=share,
        shares={number: share * min(1.0, part) for number, part in parts.items()},
    )
