"""Kernels that begin only when the one ahead has drained, though they could begin earlier."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import successions
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import follower_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_starting_early
from workbench.findings.names import rounded
from workbench.findings.target import Target
from workbench.findings.view import PhaseView, phase_views

# The first compute capability on which a kernel can begin before the one ahead has ended.
FIRST_CAPABILITY = (9, 0)
# So few launches that were made in time tell nothing.
FEWEST = 16
# If more than this part of them overlap the one ahead, the program does launch kernels so.
MOST_OVERLAPPING = 0.1
# Of the kernels that could begin early this part may be left.
ASKED_FOR = 0.5
# Each of them must be changed: more than so many are no medium effort.
MOST_KERNELS = 8

_LAUNCH_BOUND = (
    " Here most kernels are launched too late to begin early; it counts once the GPU no longer waits for launches."
)


def detect(analysis: Analysis) -> Detection:
    """Looks for phases whose kernels never overlap the one ahead of them on their stream."""
    capabilities = [device.compute_capability for device in analysis.trace.devices]
    if not capabilities or max(capabilities) == (0, 0):
        return Detection(lacking="the capture does not say which GPU it ran on")
    if max(capabilities) < FIRST_CAPABILITY:
        return Detection()
    found = in_each_phase(analysis, _look)
    if not found.lacking and all(len(successions(view).rows) < FEWEST for view in phase_views(analysis)):
        return Detection(
            lacking="hardly a kernel was launched before the one ahead of it was nearly done, so none could begin early"
        )
    return found


def _look(view: PhaseView) -> Iterator[Finding]:
    found = successions(view)
    if len(found.rows) < FEWEST or not (found.is_serial.mean() >= 1 - MOST_OVERLAPPING):
        return
    serial = np.flatnonzero(found.is_serial)
    rows, previous = found.rows[serial], found.previous[serial]
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{rounded(len(rows) / view.step_count)} of {rounded(len(found.rows) / view.step_count)} kernels a "
        f"{view.phase} step begin only after the one ahead of them, though launched early enough to overlap it.",
        evidence=(follower_evidence(view, rows, previous, "Kernels that begin only after the one ahead of them"),),
        hypothesis="Kernels are launched plainly, or a graph has plain edges between them: the blocks of each are "
        "placed, and ask for their first bytes, only when the one ahead has drained."
        + (_LAUNCH_BOUND if view.is_launch_bound else ""),
        remedy="Launch them with programmatic stream serialisation (programmatic dependent launch, which graphs keep "
        "when they are captured); in each, load what the one ahead does not write, and only then wait for it "
        "(cudaGridDependencySynchronize).",
        gain=gain_of_starting_early(view, rows),
        effort=Effort.LARGE if len(np.unique(view.trace.kernels.demangled[rows])) > MOST_KERNELS else Effort.MEDIUM,
        risk="A kernel must not read, nor overwrite, before it has waited; the kernels of libraries wait for all of "
        "the one ahead, and blocks that are placed early take room from it.",
        target=Target("step", "serial_share", "<=", ASKED_FOR, view.phase),
    )
