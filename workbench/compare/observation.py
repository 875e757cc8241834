"""What one capture says of the findings of an earlier report: little enough to be held for many captures at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.analysis import Analysis
from workbench.analysis.step_profile import median_step_profile
from workbench.compare.phase_steps import PhaseSteps
from workbench.findings.measure import Measured, measure
from workbench.findings.target import Target
from workbench.findings.view import phase_views


@dataclass(frozen=True)
class Observation:
    """One capture, observed.

    Attributes:
        name: what reports call it.
        sha256: of its file, in hexadecimal.
        measured: what each target measures, in the order in which they were asked for.
        phases: its phases that have steps, in the order of processes.
    """

    name: str
    sha256: str
    measured: tuple[Measured, ...]
    phases: tuple[PhaseSteps, ...]


def observe(analysis: Analysis, name: str, sha256: str, targets: Sequence[Target]) -> Observation:
    """Measures targets on a capture, and its steps."""
    return Observation(name, sha256, tuple(measure(analysis, target) for target in targets), _phases(analysis))


def _phases(analysis: Analysis) -> tuple[PhaseSteps, ...]:
    return tuple(
        PhaseSteps(
            phase=view.phase,
            pid=view.pid,
            steps=view.step_count,
            median_ns=view.median_wall_ns,
            mean_ns=int(view.wall_ns.sum()) // view.step_count,
            parts=median_step_profile(analysis, view.process, view.phase).parts,
        )
        for view in phase_views(analysis)
    )
