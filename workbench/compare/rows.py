"""The rows of a comparison: a layer type and role of a phase, with its kernels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.compare.estimate import Change, Estimate, busy_change
from workbench.compare.grouping import GroupedPhase
from workbench.compare.matching import Part, Relation
from workbench.compare.measurement import Kernel, Total
from workbench.trace.columns import IntArray


@dataclass(frozen=True)
class KernelPair:
    """Kernels that do the same work on both sides, summed over a role's layers; one side may be empty.

    `before` and `after` are sums over all captures and steps of their side, None where the kernels are not there.
    """

    before_kernels: tuple[Kernel, ...]
    after_kernels: tuple[Kernel, ...]
    relation: Relation
    before: Total | None
    after: Total | None


@dataclass(frozen=True)
class Row:
    """A layer type and role of a phase.

    Attributes:
        phase: the phase; None for tables of sums, which do not tell it.
        layer_type: None where it is not known.
        before_roles, after_roles: the roles on either side; several where kernels were fused or split across them,
            none where a side has no such role. An empty role is one that is not known.
        time: kernel time a step; None where a side has no such role, or the phase no steps.
        busy: what its kernels add to the step's busy time; None likewise. Where kernels overlap, as under programmatic
            dependent launch, this is what the step feels: a kernel that waits beside another has kernel time alone.
        before_ns_per_step, after_ns_per_step: kernel time a step, each side by itself.
        before_busy_ns_per_step, after_busy_ns_per_step: what its kernels add to busy time, each side by itself.
        kernels: its kernels, those with most time first.
    """

    phase: str | None
    layer_type: str | None
    before_roles: tuple[str, ...]
    after_roles: tuple[str, ...]
    time: Estimate | None
    busy: Estimate | None
    before_ns_per_step: float | None
    after_ns_per_step: float | None
    before_busy_ns_per_step: float | None
    after_busy_ns_per_step: float | None
    kernels: tuple[KernelPair, ...]

    @property
    def role(self) -> str | None:
        """The role, or what became of which: `q_proj + k_proj -> qk_proj`; None where it is not known."""
        before, after = (" + ".join(filter(None, roles)) for roles in (self.before_roles, self.after_roles))
        if set(self.before_roles) == set(self.after_roles) or not (before and after):
            return before or after or None
        return f"{before} -> {after}"

    @property
    def change(self) -> Change:
        """What can be said of its busy time."""
        if self.busy is None or self.time is None:
            return Change.UNDECIDED
        return busy_change(self.busy, self.time.difference)

    def judged(self, time: bool, busy: bool) -> "Row":
        """The same with verdicts on kernel time and busy time, where there can be any."""
        return replace(self, time=self.time and self.time.judged(time), busy=self.busy and self.busy.judged(busy))

    @property
    def is_paired(self) -> bool:
        """Whether both sides have it."""
        return bool(self.before_roles and self.after_roles)


@dataclass(frozen=True, eq=False)
class RoleGroups:
    """Groups of a phase whose roles belong together: one row.

    `groups` are positions in `GroupedPhase.groups`.
    """

    layer_type: str
    before_roles: tuple[str, ...]
    after_roles: tuple[str, ...]
    groups: NDArray[np.int64]


def role_groups(grouped: GroupedPhase) -> tuple[RoleGroups, ...]:
    """Puts groups of one layer type together whose roles are the same, or are tied by a kernel that spans them."""
    root: dict[tuple[str, str], tuple[str, str]] = {}

    def find(role: tuple[str, str]) -> tuple[str, str]:
        while root.setdefault(role, role) != role:
            role = root[role]
        return role

    for group in grouped.groups:
        first, *others = [(group.layer_type, part.role) for part in (*group.match.before, *group.match.after)]
        for other in others:
            root[find(other)] = find(first)
    members: dict[tuple[str, str], list[int]] = {}
    for number, group in enumerate(grouped.groups):
        part = (*group.match.before, *group.match.after)[0]
        members.setdefault(find((group.layer_type, part.role)), []).append(number)
    return tuple(_role_groups(grouped, numbers) for numbers in members.values())


def _role_groups(grouped: GroupedPhase, numbers: Sequence[int]) -> RoleGroups:
    def roles(parts: Sequence[Part]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.role for part in parts))

    groups = [grouped.groups[number] for number in numbers]
    return RoleGroups(
        groups[0].layer_type,
        roles([part for group in groups for part in group.match.before]),
        roles([part for group in groups for part in group.match.after]),
        np.array(numbers, np.int64),
    )


def kernel_pairs(grouped: GroupedPhase, groups: IntArray) -> tuple[KernelPair, ...]:
    """The kernels of some groups, those with most time first."""
    pairs = [_kernel_pair(grouped, number) for number in groups.tolist()]
    return tuple(sorted(pairs, key=_negative_time))


def _kernel_pair(grouped: GroupedPhase, number: int) -> KernelPair:
    match = grouped.groups[number].match
    before, after = (
        Total(int(side.count[:, number].sum()), int(side.total_ns[:, number].sum())) if parts else None
        for side, parts in ((grouped.before, match.before), (grouped.after, match.after))
    )
    return KernelPair(
        tuple(dict.fromkeys(part.kernel for part in match.before)),
        tuple(dict.fromkeys(part.kernel for part in match.after)),
        match.relation,
        before,
        after,
    )


def _negative_time(pair: KernelPair) -> int:
    return -max(total.total_ns for total in (pair.before, pair.after) if total)
