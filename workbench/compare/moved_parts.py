"""Which parts of a step moved, and which findings speak of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import COPIES, HIDDEN, Part
from workbench.compare.comparison import RATE
from workbench.compare.estimate import estimates, p_values
from workbench.compare.reconciliation import Contribution
from workbench.compare.statistics import significant
from workbench.findings.target import Target

PartKey = tuple[str, bool]
"""A part of a step: its label, and whether it is idle time."""


@dataclass(frozen=True)
class PartChange(Contribution):
    """A part of a step on both sides, and who speaks of it.

    Attributes:
        spoken_of_by: the numbers of the findings that are met and speak of it.
    """

    spoken_of_by: tuple[str, ...] = ()

    @property
    def key(self) -> PartKey:
        """Which part it is."""
        return self.label, self.is_idle


def part_changes(
    before: Sequence[Sequence[Part]], after: Sequence[Sequence[Part]], met: Mapping[str, Target]
) -> tuple[PartChange, ...]:
    """Compares the parts of steps, one step a capture; the largest change comes first.

    Args:
        before: the parts of each capture's step before.
        after: the same, after.
        met: the targets that are met, by the numbers of their findings.
    """
    labels = list(dict.fromkeys((part.label, part.is_idle) for step in (*before, *after) for part in step))
    found = estimates(*(np.array([_times(step, labels) for step in side], np.float64) for side in (before, after)))
    verdicts = significant(p_values(found), RATE).tolist()
    changes = [
        Contribution(label, is_idle, time.judged(verdict), None)
        for (label, is_idle), time, verdict in zip(labels, found, verdicts, strict=True)
    ]
    return spoken_of(changes, met)


def _times(step: Sequence[Part], labels: Sequence[PartKey]) -> list[int]:
    times_ns = {(part.label, part.is_idle): part.time_ns for part in step}
    return [times_ns.get(label, 0) for label in labels]


def spoken_of(changes: Iterable[Contribution], met: Mapping[str, Target]) -> tuple[PartChange, ...]:
    """The parts, the largest change first, each with the findings that speak of it."""
    return tuple(
        PartChange(
            part.label,
            part.is_idle,
            part.time,
            part.split,
            tuple(number for number, target in met.items() if speaks_of(target, part.label, part.is_idle)),
        )
        for part in sorted(changes, key=lambda part: -abs(part.time.difference))
    )


class _Busy(StrEnum):
    """Whose busy time a target is about."""

    NONE = "none"
    ALL = "all"
    KERNELS = "kernels"
    """A kernel's layer type is not known from its name."""
    NAMED = "named"
    """The layer type that the target names."""
    COPIES = "copies"
    HIDDEN = "hidden"

    def holds(self, target: Target, label: str) -> bool:
        """Whether the busy time of this label is meant."""
        match self:
            case _Busy.NONE:
                return False
            case _Busy.ALL:
                return True
            case _Busy.KERNELS:
                return label not in (COPIES, HIDDEN)
            case _Busy.NAMED:
                return label == target.names[0]
            case _Busy.COPIES:
                return label == COPIES
            case _Busy.HIDDEN:
                return label == HIDDEN


_NO_WAITS: tuple[IdleKind, ...] = ()
_ALL_WAITS = tuple(IdleKind)
# What removes launches is about the waits for them, too.
_LAUNCH_WAITS = (IdleKind.LAUNCH, IdleKind.GRAPH, IdleKind.QUEUED)
_COPY_WAITS = (*_LAUNCH_WAITS, IdleKind.SYNCHRONIZING)
# While the host is in a call, it launches nothing.
_CALL_WAITS = (IdleKind.LAUNCH, IdleKind.SYNCHRONIZING, IdleKind.NO_WORK)

_ABOUT: dict[tuple[str, str], tuple[_Busy, tuple[IdleKind, ...]]] = {
    ("step", "wall_ns"): (_Busy.ALL, _ALL_WAITS),
    ("step", "busy_ns"): (_Busy.ALL, _NO_WAITS),
    ("step", "launch_starved_ns"): (_Busy.NONE, (IdleKind.LAUNCH,)),
    ("step", "synchronizing_ns"): (_Busy.NONE, (IdleKind.SYNCHRONIZING,)),
    ("step", "in_graph_ns"): (_Busy.NONE, (IdleKind.GRAPH,)),
    ("step", "launches"): (_Busy.NONE, _LAUNCH_WAITS),
    ("step", "graph_launches"): (_Busy.NONE, _LAUNCH_WAITS),
    ("step", "kernels"): (_Busy.KERNELS, _LAUNCH_WAITS),
    ("step", "tiny_kernels"): (_Busy.KERNELS, _LAUNCH_WAITS),
    # A kernel that starts early hides its beginning behind the one ahead; it was launched in time.
    ("step", "serial_share"): (_Busy.KERNELS, (IdleKind.GRAPH, IdleKind.QUEUED)),
    ("step", "outliers"): (_Busy.ALL, _ALL_WAITS),
    ("step", "stalls"): (_Busy.NONE, _ALL_WAITS),
    **{
        (subject, measure): (_Busy.COPIES, _COPY_WAITS if measure == "calls_per_step" else _NO_WAITS)
        for subject in ("memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memcpy_small", "memcpy_pageable", "memset")
        for measure in ("calls_per_step", "bytes_per_step", "ns_per_step")
    },
    **{
        (subject, measure): (_Busy.NONE, _CALL_WAITS)
        for subject in ("allocate", "free", "synchronize", "module_load")
        for measure in ("calls_per_step", "ns_per_step")
    },
    ("kernel", "calls_per_step"): (_Busy.KERNELS, _LAUNCH_WAITS),
    ("kernel", "ns_per_step"): (_Busy.KERNELS, _NO_WAITS),
    ("kernel", "mean_ns"): (_Busy.KERNELS, _NO_WAITS),
    ("pair", "calls_per_step"): (_Busy.KERNELS, _LAUNCH_WAITS),
    ("projections", "calls_per_layer"): (_Busy.NAMED, _LAUNCH_WAITS),
    ("projections", "ns_per_step"): (_Busy.NAMED, _NO_WAITS),
    ("layer_type", "ns_per_step"): (_Busy.NAMED, _NO_WAITS),
    ("layer_type", "kernels_per_step"): (_Busy.NAMED, _LAUNCH_WAITS),
    ("role", "ns_per_step"): (_Busy.NAMED, _NO_WAITS),
    ("role", "busy_ns"): (_Busy.NAMED, _NO_WAITS),
    ("role", "kernel_names"): (_Busy.NAMED, _NO_WAITS),
    ("role", "kernels_per_step"): (_Busy.NAMED, _LAUNCH_WAITS),
    ("role", "kernels_per_layer"): (_Busy.NAMED, _LAUNCH_WAITS),
    ("hidden_graphs", "calls"): (_Busy.HIDDEN, _NO_WAITS),
    ("hidden_graphs", "ns"): (_Busy.HIDDEN, _NO_WAITS),
}


def speaks_of(target: Target, label: str, is_idle: bool) -> bool:
    """Whether a target is about a part of the step."""
    busy, waits = _ABOUT[target.subject, target.measure]
    return label in {kind.label for kind in waits} if is_idle else busy.holds(target, label)
