"""Finds for the kernels of one side those of the other that do the same work.

Like is compared with like: layer type, layer and role first, kernels inside that. A kernel of the same name at the same
place is the same kernel, however often it is called, unless fewer calls have as many blocks. What is left is matched by
its place in the order of a step: between two kernels that both sides have, what only BEFORE has became what only AFTER
has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from workbench.compare.measurement import Cell, Kernel, Launch

# Grids are rounded up to whole blocks.
_BLOCKS_TOLERANCE = 0.1


class Relation(StrEnum):
    """What became of a kernel."""

    SAME = "same"
    RENAMED = "renamed"
    FUSED = "fused"
    SPLIT = "split"
    SWAPPED = "swapped"
    UNPAIRED = "unpaired"

    @property
    def words(self) -> str:
        """What it says, in a few words."""
        return {
            "same": "the same kernel",
            "renamed": "another name, the same grid",
            "fused": "several became one",
            "split": "one became several",
            "swapped": "other kernels for the same work",
            "unpaired": "no partner on the other side",
        }[self.value]


@dataclass(frozen=True, order=True)
class Part:
    """A kernel in a role."""

    role: str
    kernel: Kernel


@dataclass(frozen=True)
class Match:
    """Kernels of both sides that do the same work in one layer; one side is empty where there is no partner."""

    before: tuple[Part, ...]
    after: tuple[Part, ...]
    relation: Relation


@dataclass(frozen=True)
class LayerKernels:
    """The kernels of one layer (or of all that has none) on one side.

    Attributes:
        parts: all of them, those that the order tells first.
        order: how they follow each other in a step, each by its first call; empty where there are no steps.
        calls: how often each of `order` is called in that step, and the blocks of all its grids.
    """

    parts: tuple[Part, ...]
    order: tuple[Part, ...]
    calls: Mapping[Part, tuple[int, int]]


def layer_kernels(cells: Iterable[Cell], sequence: Sequence[Launch]) -> LayerKernels:
    """The kernels of one layer.

    Args:
        cells: its cells, of all captures of the side.
        sequence: its kernels in the order of a step.
    """
    calls: dict[Part, tuple[int, int]] = {}
    for launch in sequence:
        part = Part(launch.role, launch.kernel)
        count, blocks = calls.get(part, (0, 0))
        calls[part] = (count + 1, blocks + launch.blocks)
    others = dict.fromkeys(Part(cell.place.role, cell.kernel) for cell in cells)
    return LayerKernels(tuple(dict.fromkeys([*calls, *others])), tuple(calls), calls)


def match_layer(before: LayerKernels, after: LayerKernels) -> tuple[Match, ...]:
    """Matches the kernels of a layer; each part of either side is in exactly one match."""
    common = set(before.parts) & set(after.parts)
    matches = [Match((part,), (part,), _same_name(part, before, after)) for part in before.parts if part in common]
    alone_before = [part for part in before.parts if part not in common]
    alone_after = [part for part in after.parts if part not in common]
    for gone, come in [
        *_replaced(before.order, after.order, common),
        # Kernels whose role is not known have nothing in common but that.
        *_of_equal_roles([part for part in alone_before if part.role], alone_after),
    ]:
        # What stands between the same neighbours is matched first; a role's leftovers come after.
        gone, come = [part for part in gone if part in alone_before], [part for part in come if part in alone_after]
        if gone and come:
            matches.append(Match(tuple(gone), tuple(come), _relation(gone, come, before, after)))
            alone_before = [part for part in alone_before if part not in gone]
            alone_after = [part for part in alone_after if part not in come]
    matches += [Match((part,), (), Relation.UNPAIRED) for part in alone_before]
    matches += [Match((), (part,), Relation.UNPAIRED) for part in alone_after]
    return tuple(matches)


_Sides = tuple[list[Part], list[Part]]


def _replaced(before: Sequence[Part], after: Sequence[Part], common: set[Part]) -> list[_Sides]:
    """What of BEFORE was replaced by what of AFTER, by the order of a step: within a role first, then across roles."""
    within, across = [], []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _, first_before, end_before, first_after, end_after in matcher.get_opcodes():
        gone = [part for part in before[first_before:end_before] if part not in common]
        come = [part for part in after[first_after:end_after] if part not in common]
        pairs = _of_equal_roles(gone, come)
        within += pairs
        paired = {part for sides in pairs for side in sides for part in side}
        across.append(([part for part in gone if part not in paired], [part for part in come if part not in paired]))
    return [*within, *across]


def _of_equal_roles(gone: Sequence[Part], come: Sequence[Part]) -> list[_Sides]:
    roles = dict.fromkeys(part.role for part in gone)
    sides = [([p for p in gone if p.role == role], [p for p in come if p.role == role]) for role in roles]
    return [(one, other) for one, other in sides if other]


def _same_name(part: Part, before: LayerKernels, after: LayerKernels) -> Relation:
    """The same kernel, unless fewer calls have as many blocks together: then their work was put into one."""
    (calls_before, blocks_before), (calls_after, blocks_after) = (
        side.calls.get(part, (0, 0)) for side in (before, after)
    )
    most = max(blocks_before, blocks_after)
    if not (calls_before and calls_after) or abs(blocks_after - blocks_before) > _BLOCKS_TOLERANCE * most:
        return Relation.SAME
    if calls_after < calls_before:
        return Relation.FUSED
    return Relation.SPLIT if calls_before < calls_after else Relation.SAME


def _relation(gone: Sequence[Part], come: Sequence[Part], before: LayerKernels, after: LayerKernels) -> Relation:
    calls_before = sum(before.calls.get(part, (1, 0))[0] for part in gone)
    calls_after = sum(after.calls.get(part, (1, 0))[0] for part in come)
    if len(gone) == len(come) == 1 and calls_before == calls_after:
        has_same_grid = gone[0] in before.calls and before.calls[gone[0]] == after.calls.get(come[0])
        return Relation.RENAMED if has_same_grid else Relation.SWAPPED
    if len(come) == 1 and calls_after < calls_before:
        return Relation.FUSED
    if len(gone) == 1 and calls_before < calls_after:
        return Relation.SPLIT
    return Relation.SWAPPED
