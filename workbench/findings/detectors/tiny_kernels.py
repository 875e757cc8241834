"""Steps made of swarms of tiny kernels."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.selection import TINY_KERNEL_NS, tiny_kernels
from workbench.findings.target import Target
from workbench.findings.view import PhaseView

# A swarm is at least so many tiny kernels a step, and most of the step's kernels.
FEWEST_A_STEP = 50
MOST_OF_STEP = 0.5
# Fusing can be expected to do away with between a quarter and half of a swarm.
FUSED_AT_LEAST, FUSED_AT_MOST = 0.25, 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for phases most of whose kernels run for less than 5 µs."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    tiny = tiny_kernels(view)
    a_step = len(tiny) / view.step_count
    if a_step < FEWEST_A_STEP or len(tiny) < MOST_OF_STEP * len(view.kernels):
        return
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} is a swarm of tiny kernels: {a_step:.0f} of "
        f"{len(view.kernels) / view.step_count:.0f} kernels a step run for less than {TINY_KERNEL_NS // 1000} µs.",
        evidence=(kernel_evidence(view, tiny, f"Kernels shorter than {TINY_KERNEL_NS // 1000} µs"),),
        hypothesis="Elementwise operations, norms and casts run as kernels of their own; each moves its data through "
        "memory once more, and costs a launch or a graph node.",
        remedy="Fuse them into their neighbours: norms with residuals, casts and activations into matrix products.",
        gain=gain_of_removing(view, tiny, busy=(0.0, 1.0), removed=(FUSED_AT_LEAST, FUSED_AT_MOST)),
        effort=Effort.LARGE,
        risk="Fused kernels round differently; compare logits before and after.",
        target=Target("step", "tiny_kernels", "<=", float(np.floor(a_step / 2)), view.phase),
    )
