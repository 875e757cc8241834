"""Which parts of a step moved, whether a finding speaks of them, and why a prediction was missed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import COPIES, HIDDEN, Part
from workbench.attribution.rules import STEPPED_PHASES
from workbench.compare.comparison import RATE
from workbench.compare.credit import Credit, Kept
from workbench.compare.estimate import Estimate, estimates, p_values
from workbench.compare.statistics import significant
from workbench.findings.target import Target
from workbench.findings.view import LAUNCH_BOUND

# A part that moved by less than this share of what others did explains nothing.
_TELLING = 0.1
_MOST_PARTS = 2
_LAUNCH_WAITS = (IdleKind.LAUNCH.label, IdleKind.GRAPH.label, IdleKind.QUEUED.label)


@dataclass(frozen=True)
class PartChange:
    """A part of a step on both sides: a layer type's busy time, or idle time of a kind.

    Attributes:
        label, is_idle: which part.
        time: in ns a step.
        spoken_of_by: the numbers of the findings that are met and speak of it.
    """

    label: str
    is_idle: bool
    time: Estimate
    spoken_of_by: tuple[str, ...] = ()


class ReasonKind(StrEnum):
    """Why a step's change is not what was promised, as far as its parts tell."""

    NOT_SHORTER = "not_shorter"
    """None of the parts that the findings speak of became shorter."""
    OFFSET = "offset"
    """They became shorter, but others longer."""
    LITTLE = "little"
    """They became shorter, by less than was promised."""
    LAUNCH_BOUND = "launch_bound"
    """The GPU waits for launches: what kernels save, it waits longer."""
    OTHERS_FELL = "others_fell"
    """Parts that they do not speak of became shorter as well."""


@dataclass(frozen=True)
class Reason:
    """A reason.

    Attributes:
        kind: what it is.
        parts: the parts that it is about, the largest change first.
        share: of a launch-bound step the part in which the GPU waits for launches; else None.
    """

    kind: ReasonKind
    parts: tuple[PartChange, ...] = ()
    share: float | None = None


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
        PartChange(label, is_idle, time.judged(verdict))
        for (label, is_idle), time, verdict in zip(labels, found, verdicts, strict=True)
    ]
    return spoken_of(sorted(changes, key=lambda change: -abs(change.time.difference)), met)


def _times(step: Sequence[Part], labels: Sequence[tuple[str, bool]]) -> list[int]:
    times_ns = {(part.label, part.is_idle): part.time_ns for part in step}
    return [times_ns.get(label, 0) for label in labels]


def spoken_of(changes: Iterable[PartChange], met: Mapping[str, Target]) -> tuple[PartChange, ...]:
    """The parts, each with the findings that speak of it."""
    return tuple(
        replace(
            change,
            spoken_of_by=tuple(
                number for number, target in met.items() if speaks_of(target, change.label, change.is_idle)
            ),
        )
        for change in changes
    )


def speaks_of(target: Target, label: str, is_idle: bool) -> bool:
    """Whether a target is about a part of the step.

    What removes launches is about the waits for them, too. A kernel's layer type is not known from its name, so its
    target is about busy time of all kernels.
    """
    if is_idle:
        return label in _IDLE_OF.get((target.subject, target.measure), _IDLE_OF.get((target.subject, ""), ()))
    match target.subject:
        case "step":
            return target.measure in ("wall_ns", "busy_ns", "kernels", "tiny_kernels", "serial_share")
        case "kernel" | "pair":
            return label not in (COPIES, HIDDEN)
        case "projections" | "layer_type" | "role":
            return label == target.names[0]
        case "hidden_graphs":
            return label == HIDDEN
        case subject:
            return label == COPIES and subject.startswith("mem")


# Idle kinds by subject and measure; without a measure, for all that are not named.
_IDLE_OF: dict[tuple[str, str], tuple[str, ...]] = {
    ("step", "wall_ns"): tuple(kind.label for kind in IdleKind),
    ("step", "busy_ns"): (),
    ("step", "synchronizing_ns"): (IdleKind.SYNCHRONIZING.label,),
    ("step", "in_graph_ns"): (IdleKind.GRAPH.label,),
    ("step", ""): _LAUNCH_WAITS,
    ("kernel", "calls_per_step"): _LAUNCH_WAITS,
    ("pair", ""): _LAUNCH_WAITS,
    ("projections", "calls_per_layer"): _LAUNCH_WAITS,
    ("layer_type", "kernels_per_step"): _LAUNCH_WAITS,
    ("role", "kernels_per_step"): _LAUNCH_WAITS,
    ("role", "kernels_per_layer"): _LAUNCH_WAITS,
    **{
        (subject, ""): (*_LAUNCH_WAITS, IdleKind.SYNCHRONIZING.label)
        for subject in ("memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memcpy_small", "memcpy_pageable", "memset")
    },
    **{
        (subject, ""): (IdleKind.LAUNCH.label, IdleKind.SYNCHRONIZING.label, IdleKind.NO_WORK.label)
        for subject in ("allocate", "free", "synchronize", "module_load")
    },
}


def reasons(credit: Credit, changes: Sequence[PartChange]) -> tuple[Reason, ...]:
    """Why a promise was missed, as far as the parts of the step tell.

    Args:
        credit: what is credited to the findings of a phase that are met.
        changes: the parts of that phase's step.
    """
    own = [change for change in changes if set(change.spoken_of_by) & set(credit.together)]
    fallen = [change for change in own if change.time.difference < 0]
    if credit.kept is Kept.FELL_SHORT:
        return tuple(_of_falling_short(credit, changes, own, fallen))
    if credit.kept is Kept.EXCEEDED:
        others = [change for change in changes if change not in own and change.time.difference < 0]
        telling = _largest(others, credit.change.gain_ns)
        return (Reason(ReasonKind.OTHERS_FELL, telling),) if telling else ()
    return ()


def _of_falling_short(
    credit: Credit, changes: Sequence[PartChange], own: Sequence[PartChange], fallen: Sequence[PartChange]
) -> Iterable[Reason]:
    fallen_ns = -sum(change.time.difference for change in fallen)
    risen = _largest([change for change in changes if change.time.difference > 0], max(fallen_ns, credit.low_ns))
    if not fallen:
        yield Reason(ReasonKind.NOT_SHORTER, tuple(own[:_MOST_PARTS]))
    elif fallen_ns < credit.low_ns:
        yield Reason(ReasonKind.LITTLE, _largest(fallen, fallen_ns))
    if risen:
        yield Reason(ReasonKind.OFFSET, risen)
    step_ns = sum(change.time.after for change in changes)
    waits_ns = sum(change.time.after for change in changes if change.label == IdleKind.LAUNCH.label and change.is_idle)
    if fallen and not all(change.is_idle for change in fallen) and waits_ns > LAUNCH_BOUND * step_ns:
        yield Reason(ReasonKind.LAUNCH_BOUND, share=waits_ns / step_ns)


def _largest(changes: Sequence[PartChange], against_ns: float) -> tuple[PartChange, ...]:
    """The largest of some changes that are telling against a time."""
    telling = [change for change in changes if abs(change.time.difference) >= _TELLING * abs(against_ns)]
    return tuple(sorted(telling, key=lambda change: -abs(change.time.difference))[:_MOST_PARTS])


def focus_of(phases: Iterable[str]) -> str | None:
    """The phase whose step is told first: decode, where it is among these."""
    return next((phase for phase in reversed(STEPPED_PHASES) if phase in set(phases)), None)
