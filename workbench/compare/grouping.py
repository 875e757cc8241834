"""Matches the kernels of a phase on both sides, and sums what was matched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.matching import LayerKernels, Match, Part, layer_kernels, match_layer
from workbench.compare.measurement import Cell, Launch, PhaseMeasurement
from workbench.trace.model import NONE

_Layer = tuple[str, int]


@dataclass(frozen=True)
class Group:
    """A match, over all layers of a layer type that have it."""

    layer_type: str
    match: Match


@dataclass(frozen=True, eq=False)
class SideSums:
    """What the groups are on one side, by capture, over all steps; arrays of shape (captures, groups)."""

    count: NDArray[np.int64]
    total_ns: NDArray[np.int64]
    busy_ns: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupedPhase:
    """The kernels of a phase, matched: each kernel of either side is in exactly one group of its layer."""

    groups: tuple[Group, ...]
    before: SideSums
    after: SideSums


def group_phase(before: Sequence[PhaseMeasurement], after: Sequence[PhaseMeasurement]) -> GroupedPhase:
    """Matches the kernels of a phase.

    Args:
        before: the phase in each capture of BEFORE that has it.
        after: the same of AFTER.
    """
    layers_before, layers_after = _layers_by_type(before), _layers_by_type(after)
    unnumbered = {
        layer_type
        for layer_type in layers_before.keys() & layers_after.keys()
        if ({NONE} == layers_before[layer_type]) != ({NONE} == layers_after[layer_type])
    }
    kernels_before, kernels_after = _kernels_by_layer(before, unnumbered), _kernels_by_layer(after, unnumbered)
    groups: dict[Group, int] = {}
    of_before: dict[tuple[_Layer, Part], int] = {}
    of_after: dict[tuple[_Layer, Part], int] = {}
    known: dict[object, tuple[Match, ...]] = {}
    nothing = LayerKernels((), (), {})
    for layer in dict.fromkeys([*kernels_before, *kernels_after]):
        one, other = kernels_before.get(layer, nothing), kernels_after.get(layer, nothing)
        alike = (one.parts, tuple(one.calls.items()), other.parts, tuple(other.calls.items()))
        if alike not in known:
            known[alike] = match_layer(one, other)
        for match in known[alike]:
            number = groups.setdefault(Group(layer[0], match), len(groups))
            of_before.update(((layer, part), number) for part in match.before)
            of_after.update(((layer, part), number) for part in match.after)
    return GroupedPhase(
        tuple(groups),
        _sums(before, of_before, unnumbered, len(groups)),
        _sums(after, of_after, unnumbered, len(groups)),
    )


def _layers_by_type(phases: Iterable[PhaseMeasurement]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for phase in phases:
        for cell in phase.cells:
            found.setdefault(cell.place.layer_type, set()).add(cell.place.layer)
    return found


def _layer_of(layer_type: str, layer: int, unnumbered: set[str]) -> _Layer:
    """A layer; where only one side numbers a type's layers they are all one."""
    return layer_type, NONE if layer_type in unnumbered else layer


def _kernels_by_layer(phases: Sequence[PhaseMeasurement], unnumbered: set[str]) -> dict[_Layer, LayerKernels]:
    cells: dict[_Layer, list[Cell]] = {}
    for phase in phases:
        for cell in phase.cells:
            cells.setdefault(_layer_of(cell.place.layer_type, cell.place.layer, unnumbered), []).append(cell)
    # The first capture that has steps tells the order for all.
    sequences: dict[_Layer, list[Launch]] = {}
    told: Mapping[_Layer, Sequence[Launch]] = next((phase.sequences for phase in phases if phase.sequences), {})
    for (layer_type, layer), launches in told.items():
        sequences.setdefault(_layer_of(layer_type, layer, unnumbered), []).extend(launches)
    return {layer: layer_kernels(of_layer, sequences.get(layer, ())) for layer, of_layer in cells.items()}


def _sums(
    phases: Sequence[PhaseMeasurement], group_of: Mapping[tuple[_Layer, Part], int], unnumbered: set[str], groups: int
) -> SideSums:
    sums = np.zeros((3, len(phases), groups), np.int64)
    for capture, phase in enumerate(phases):
        for cell in phase.cells:
            place = cell.place
            layer = _layer_of(place.layer_type, place.layer, unnumbered)
            number = group_of[layer, Part(place.role, cell.kernel)]
            sums[:, capture, number] += (cell.count, cell.total_ns, cell.busy_ns)
    return SideSums(*sums)
