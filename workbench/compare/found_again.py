"""Which findings of an earlier report are found again in a later capture."""

from collections.abc import Callable, Hashable, Sequence

from workbench.compare.earlier_report import EarlierFinding
from workbench.findings.finding import Finding
from workbench.findings.identity import Claimed, identity, loose_identity


def found_again(earlier: Sequence[EarlierFinding], found: Sequence[Finding]) -> dict[str, int]:
    """For the number of each finding that is found again, its place among those found now.

    Where several processes have it, the first is held against the first, in the order of their ids. A target names a
    kernel as shortly as the capture allows: what is left over on both sides is held against each other by short names
    alone, where that leaves no choice.
    """
    again: dict[str, int] = {}
    _match(earlier, found, again, identity, alone=False)
    _match(earlier, found, again, loose_identity, alone=True)
    return again


def _match(
    earlier: Sequence[EarlierFinding],
    found: Sequence[Finding],
    again: dict[str, int],
    key: Callable[[Claimed], Hashable],
    *,
    alone: bool,
) -> None:
    """Adds to `again` what has the same key; with `alone`, only where one on either side has it."""
    before: dict[Hashable, list[str]] = {}
    for one in sorted(earlier, key=lambda one: one.pid):
        if one.number not in again:
            before.setdefault(key(one), []).append(one.number)
    after: dict[Hashable, list[int]] = {}
    for place in sorted(range(len(found)), key=lambda place: found[place].pid):
        if place not in again.values():
            after.setdefault(key(found[place]), []).append(place)
    for shared, numbers in before.items():
        places = after.get(shared, [])
        if not alone or len(numbers) == len(places) == 1:
            again.update(zip(numbers, places, strict=False))
