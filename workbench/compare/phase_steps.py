"""The steps of a phase of one process, as a report tells them or a capture shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.step_profile import Part


@dataclass(frozen=True)
class PhaseSteps:
    """The steps of a phase of one process of a capture.

    Attributes:
        phase: its name.
        pid: the process id.
        steps: how many steps it has.
        median_ns: the (lower) median step's wall time.
        mean_ns: the mean step's.
        parts: what the median step is made of; the parts add up to it.
    """

    phase: str
    pid: int
    steps: int
    median_ns: int
    mean_ns: int
    parts: tuple[Part, ...]


def counterpart(report: Sequence[PhaseSteps], phase: str, pid: int, capture: Sequence[PhaseSteps]) -> PhaseSteps | None:
    """The phase of a process of the earlier report in another capture; None where it cannot be told.

    Process ids differ from run to run: the first process that has the phase is held against the first, and so on,
    where both captures have as many.
    """
    before, after = ([one for one in steps if one.phase == phase] for steps in (report, capture))
    place = next((number for number, one in enumerate(before) if one.pid == pid), None)
    return after[place] if place is not None and len(before) == len(after) else None
