"""One module a detector. Each has `detect(analysis)`, which looks at a capture and says what it found.

A detector that lacks the data it needs says so instead of guessing.
"""

from collections.abc import Callable, Iterable
from types import ModuleType

from workbench.analysis.analysis import Analysis
from workbench.findings.finding import Detection, Finding
from workbench.findings.view import PhaseView, phase_views


def name_of(detector: ModuleType) -> str:
    """The detector's name: its module's."""
    return detector.__name__.rpartition(".")[2]


def in_each_phase(analysis: Analysis, look: Callable[[PhaseView], Iterable[Finding]]) -> Detection:
    """What `look` finds in the phases that have steps."""
    if not len(analysis.trace.calls):
        return Detection(lacking="the capture holds no CUDA API calls, so no launch tells when its operation was due")
    views = list(phase_views(analysis))
    if not views:
        return Detection(lacking="no phase has steps: annotate prefill and decode with NVTX ranges")
    return Detection(tuple(finding for view in views for finding in look(view)))
