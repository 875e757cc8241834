"""What one capture contributes to a comparison: sums, small enough to be held for many captures at once.

A phase's step is taken apart twice. *Kernel time* is the sum of kernels' durations, as `nsys stats` gives it; a kernel
belongs to the step that launched it. *Busy time* is what each operation adds to the time in which the GPU worked:
where several ran, the time belongs to the one that started first. Busy and idle time add up to the step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, order=True)
class Kernel:
    """A kernel by its names; in tables that hold long names alone, the short one is cut from the long one."""

    long: str
    short: str


@dataclass(frozen=True, order=True)
class Place:
    """Where in the model a kernel belongs; empty texts and `NONE` where that is not known."""

    layer_type: str
    layer: int
    role: str


@dataclass(frozen=True)
class Cell:
    """The calls of one kernel at one place of a phase, over all its steps.

    Attributes:
        place, kernel: which.
        count: how many calls.
        total_ns: the sum of their durations.
        busy_ns: what they add to the busy time of the phase's steps; 0 in phases without steps.
    """

    place: Place
    kernel: Kernel
    count: int
    total_ns: int
    busy_ns: int


@dataclass(frozen=True)
class Launch:
    """A kernel in the order of a step; `blocks` is the size of its grid."""

    role: str
    kernel: Kernel
    blocks: int


@dataclass(frozen=True)
class Total:
    """Calls or operations that share a name: how many, and their time.

    `bytes` is what they move; `critical_ns` the part of calls' time in which the GPU waited. None where that is not
    known, or makes no sense.
    """

    count: int
    total_ns: int
    bytes: int | None = None
    critical_ns: int | None = None


def add(one: Total, other: Total) -> Total:
    """The sum of two totals; what is unknown of one is unknown of both."""
    return Total(
        one.count + other.count,
        one.total_ns + other.total_ns,
        None if one.bytes is None or other.bytes is None else one.bytes + other.bytes,
        None if one.critical_ns is None or other.critical_ns is None else one.critical_ns + other.critical_ns,
    )


@dataclass(frozen=True, eq=False)
class PhaseMeasurement:
    """One phase, over all processes that have it.

    Attributes:
        phase: its name.
        processes: how many processes ran it.
        wall_ns: each step's wall time, shape (steps,); empty for phases without steps.
        idle_ns: idle time of all steps, by kind, shape (kinds,).
        cells: its kernels.
        other_busy_ns: what else the GPU did in its steps (copies, graphs that hide their kernels, operations of other
            phases), over all steps, by label.
        sequences: the kernels of its median step in the order in which they began, by layer type and layer.
        roles: layer type and role of each column of `samples_ns`.
        samples_ns: a step's kernel time by role: a step a row, or the mean of some neighbouring ones, shape
            (samples, roles).
        calls: API calls of its steps, by name.
        memops: copies and memsets of its steps, by kind.
    """

    phase: str
    processes: int
    wall_ns: NDArray[np.int64]
    idle_ns: NDArray[np.int64]
    cells: tuple[Cell, ...]
    other_busy_ns: dict[str, int]
    sequences: dict[tuple[str, int], tuple[Launch, ...]]
    roles: tuple[tuple[str, str], ...]
    samples_ns: NDArray[np.float64]
    calls: dict[str, Total]
    memops: dict[str, Total]

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.wall_ns)


@dataclass(frozen=True, eq=False)
class CaptureMeasurement:
    """One capture: its phases, and API calls, copies and memsets over all of it.

    Of a table of sums there are no phases, and `kernels` alone holds its kernels; None where no table tells them. Its
    times may be rounded, and tables beside it were passed over.
    """

    name: str
    phases: tuple[PhaseMeasurement, ...]
    kernels: dict[Kernel, Total] | None
    calls: dict[str, Total] | None
    memops: dict[str, Total] | None
    rounded_to_ns: int = 1
    passed_over: tuple[str, ...] = ()

    def phase(self, name: str) -> PhaseMeasurement | None:
        """The phase of this name, if the capture has it."""
        return next((phase for phase in self.phases if phase.phase == name), None)

    @property
    def has_times(self) -> bool:
        """Whether it is a capture, not a table of sums."""
        return bool(self.phases)
