"""Which findings of an earlier report are found again in a later capture."""

from collections.abc import Callable, Hashable, Sequence

from workbench.compare.earlier_report import EarlierFinding
from workbench.findings.finding import Finding
from workbench.findings.names import short_of
from workbench.findings.target import Target


def found_again(earlier: Sequence[EarlierFinding], found: Sequence[Finding]) -> dict[str, int]:
    """For the number of each finding that is found again, its place among those found now.

    The same finding is one of the same detector, in the same phase, whose target measures the same. Where several
    processes have it, the first is held against the first, in the order of their ids. A target names a kernel as
    shortly as the capture allows: what is left over on both sides is held against each other by short names alone,
    where that leaves no choice.
    """
    again: dict[str, int] = {}
    _match(earlier, found, again, _exact_names, alone=False)
    _match(earlier, found, again, _short_names, alone=True)
    return again


def _match(
    earlier: Sequence[EarlierFinding],
    found: Sequence[Finding],
    again: dict[str, int],
    names: Callable[[Target], Hashable],
    *,
    alone: bool,
) -> None:
    """Adds to `again` what has the same key; with `alone`, only where one on either side has it."""
    before: dict[Hashable, list[str]] = {}
    for one in sorted(earlier, key=lambda one: one.pid):
        if one.number not in again:
            before.setdefault(_key(one.detector, one.phase, one.target, names), []).append(one.number)
    after: dict[Hashable, list[int]] = {}
    for place in sorted(range(len(found)), key=lambda place: found[place].pid):
        if place not in again.values():
            after.setdefault(_key(found[place].detector, found[place].phase, found[place].target, names), []).append(
                place
            )
    for key, numbers in before.items():
        places = after.get(key, [])
        if not alone or len(numbers) == len(places) == 1:
            again.update(zip(numbers, places, strict=False))


def _key(detector: str, phase: str, target: Target, names: Callable[[Target], Hashable]) -> Hashable:
    return detector, phase, target.subject, names(target), target.measure


def _exact_names(target: Target) -> Hashable:
    return target.names


def _short_names(target: Target) -> Hashable:
    return tuple(map(short_of, target.names)) if target.subject in ("kernel", "pair") else target.names
