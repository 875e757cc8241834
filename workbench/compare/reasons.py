"""Why a prediction was missed, as far as the parts of the step tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.analysis.idle import IdleKind
from workbench.compare.credit import Credit, Kept
from workbench.compare.moved_parts import PartChange
from workbench.findings.view import LAUNCH_BOUND

# A part that moved by less than this share of what others did explains nothing.
_TELLING = 0.1
_MOST_PARTS = 2


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
        telling = _largest(others, credit.promise_ns)
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
