"""Measured phases made by hand."""

from collections.abc import Sequence

import numpy as np

from workbench.analysis.idle import IdleKind
from workbench.compare.measurement import Cell, Kernel, Launch, PhaseMeasurement, Place
from workbench.trace.model import NONE


def kernel(name: str) -> Kernel:
    """A kernel of this short name."""
    return Kernel(f"void {name}()", name)


def cell(name: str, count: int, total_ns: int, *, role: str = "", layer: int = 0, busy_ns: int | None = None) -> Cell:
    """Calls of a kernel in an attention layer (in none, where `layer` is `NONE`), over all steps."""
    place = Place("attention" if layer != NONE else "", layer, role)
    return Cell(place, kernel(name), count, total_ns, total_ns if busy_ns is None else busy_ns)


def phase(cells: Sequence[Cell], *, steps: int = 10, idle_ns: int = 0, copies_ns: int = 0) -> PhaseMeasurement:
    """A phase of equal steps; its kernels follow each other in the order of the cells, and it waits for launches."""
    idle = np.zeros(len(IdleKind), np.int64)
    idle[IdleKind.LAUNCH] = idle_ns
    total_ns = sum(one.busy_ns for one in cells) + copies_ns + idle_ns
    sequences: dict[tuple[str, int], tuple[Launch, ...]] = {}
    for one in cells:
        at = one.place.layer_type, one.place.layer
        sequences[at] = (
            *sequences.get(at, ()),
            *[Launch(one.place.role, one.kernel, 1)] * (one.count // max(1, steps)),
        )
    roles = tuple(dict.fromkeys((one.place.layer_type, one.place.role) for one in cells))
    return PhaseMeasurement(
        phase="decode",
        processes=1,
        wall_ns=np.full(steps, total_ns // max(1, steps), np.int64),
        idle_ns=idle,
        cells=tuple(cells),
        other_busy_ns={"copies and memsets": copies_ns} if copies_ns else {},
        sequences=sequences if steps else {},
        roles=roles,
        samples_ns=np.ones((steps, len(roles))),
        calls={},
        memops={},
    )
