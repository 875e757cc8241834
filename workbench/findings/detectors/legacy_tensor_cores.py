"""Matrix kernels written for an older generation of tensor cores than the GPU has."""

import re
from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_shortening
from workbench.findings.selection import exact_name
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.grouping import group_rows

# Names that tell the instructions of a generation: WMMA, then MMA by the warp, then Hopper's warpgroups.
_BEFORE_AMPERE = r"(?<![a-z])wmma|[hsi]884|volta_|turing_|cutlass_(70|75)_|sm(70|75)_xmma|mma_sm(70|75)"
_AMPERE = r"[hsi](1688|16816)|ampere_|cutlass_80_|sm80_xmma|mma_sm80"
_FIRST_WITH_BETTER = (9, 0)
# Blackwell without warpgroups (12.x, workstations) has nothing newer than MMA by the warp for 16-bit products.
_WITHOUT_WARPGROUPS = 12
# Such kernels use no tensor cores at all.
_SIMT = re.compile(r"(?i)simt|ffma|(volta|turing|ampere)_[sdcz](gemm|cudnn)")
LEAST_SHARE = 0.01
# What the newer instructions save is unknown until tried; more than half would be a surprise.
SAVED_AT_MOST = 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for kernels named after WMMA or an older architecture, on a GPU of capability 9.0 or later."""
    capabilities = [device.compute_capability for device in analysis.trace.devices]
    if not capabilities or max(capabilities) == (0, 0):
        return Detection(lacking="the capture does not say which GPU it ran on")
    if max(capabilities) < _FIRST_WITH_BETTER:
        return Detection()
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    long_names = view.trace.kernels.demangled[view.kernels]
    capability = max(device.compute_capability for device in view.trace.devices)
    older = _BEFORE_AMPERE if capability[0] == _WITHOUT_WARPGROUPS else f"{_BEFORE_AMPERE}|{_AMPERE}"
    texts = {name: view.trace.text(name) for name in np.unique(long_names).tolist()}
    legacy = [name for name, text in texts.items() if re.search(older, text, re.I) and not _SIMT.search(text)]
    rows = view.kernels[np.isin(long_names, legacy)]
    share = float(view.duration_ns(rows).sum() / max(1, view.duration_ns(view.kernels).sum()))
    if share < LEAST_SHARE:
        return
    kernel, first = group_rows(view.trace.kernels.demangled[rows])
    longest = rows[first[np.bincount(kernel, view.duration_ns(rows)).argmax()]]
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{share:.0%} of {view.phase}'s kernel time is in kernels for older tensor cores than this GPU's.",
        evidence=(kernel_evidence(view, rows, "Kernels named after WMMA or an older architecture"),),
        hypothesis="The library chose a fallback for this shape, or has no kernel for compute capability "
        f"{capability[0]}.{capability[1]}; a kernel bound by memory loses little by it.",
        remedy="Ask the library for another algorithm or backend, or update it.",
        gain=gain_of_shortening(view, rows, SAVED_AT_MOST, "an estimate for newer instructions"),
        effort=Effort.MEDIUM,
        risk="Another algorithm rounds differently.",
        target=Target("kernel", "calls_per_step", "<=", 0, view.phase, (exact_name(view, int(longest)),)),
    )
