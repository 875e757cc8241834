"""Small copies, and copies from or to pageable memory, inside steps."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import kept_apart
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import copy_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import rounded
from workbench.findings.selection import SMALL_COPY_BYTES, followers, memory_operations
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray

# One or two small copies (a token in, a token out) are a step's due.
DUE_A_STEP = 2


def detect(analysis: Analysis) -> Detection:
    """Looks for more than two small copies a step, and for any from or to pageable memory."""
    if not len(analysis.trace.copies):
        return Detection(lacking="the capture holds no memory copies: either there were none, or they were not traced")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    small, _ = memory_operations(view, "memcpy_small")
    pageable, _ = memory_operations(view, "memcpy_pageable")
    if len(small) > DUE_A_STEP * view.step_count:
        a_step = len(small) / view.step_count
        yield Finding(
            phase=view.phase,
            pid=view.pid,
            claim=f"{view.phase.capitalize()} makes {rounded(a_step)} small copies a step "
            f"(at most {SMALL_COPY_BYTES // 1024} KiB each).",
            evidence=(copy_evidence(view, small, f"Copies of at most {SMALL_COPY_BYTES // 1024} KiB"),),
            hypothesis="A loop over heads, layers or inputs copies piece by piece what one copy, or a kernel, could.",
            remedy="Gather the pieces into one copy, or let the kernel that needs them read them where they are.",
            gain=gain_of_removing(
                view,
                small,
                removed=(1 - max(DUE_A_STEP, _runs_a_step(view, small)) / a_step, 1 - DUE_A_STEP / a_step),
                parted=kept_apart(view, small),
            ),
            effort=Effort.SMALL,
            risk="A joint buffer must live as long as its last reader.",
            target=Target("memcpy_small", "calls_per_step", "<=", DUE_A_STEP, view.phase),
        )
    if len(pageable):
        yield Finding(
            phase=view.phase,
            pid=view.pid,
            claim=f"{view.phase.capitalize()} copies from or to pageable memory "
            f"{rounded(len(pageable) / view.step_count)} times a step.",
            evidence=(copy_evidence(view, pageable, "Copies from or to pageable memory"),),
            hypothesis="A host buffer was allocated without pinning; the driver then stages the copy and may block "
            "the thread, and a CUDA graph cannot capture it.",
            remedy="Allocate the buffer with cudaHostAlloc (pin_memory in PyTorch), or keep the value on the device.",
            gain=gain_of_removing(view, pageable, removed=(0.0, 1.0)),
            effort=Effort.SMALL,
            risk="Pinned memory is not paged out: pin small buffers only.",
            target=Target("memcpy_pageable", "calls_per_step", "<=", 0, view.phase),
        )


def _runs_a_step(view: PhaseView, copies: IntArray) -> float:
    """How many times a step some copies follow something else on their stream: so many are left if each run is one."""
    rows, previous = followers(view)
    inside = np.isin(rows, copies) & np.isin(previous, copies)
    return (len(copies) - int(inside.sum())) / view.step_count
