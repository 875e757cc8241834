"""Kernels that always come as a pair, one of which could do the other's work."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import readable, rounded
from workbench.findings.selection import TINY_KERNEL_NS, exact_name, is_matmul, neighbours
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows

# The pairs that hold most time, and only those that come at least once in every second step.
MOST_PAIRS = 3
FEWEST_A_STEP = 0.5
# The fused kernel may still need this part of the vanished kernel's time.
KEPT_SHARE = 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for kernels B that always follow a kernel A, or A that always precede B, where one of them is small."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    rows, previous = neighbours(view)
    name = view.trace.kernels.demangled
    candidates = []
    pair, first = group_rows(name[previous], name[rows])
    pair_calls = np.bincount(pair, minlength=len(first))
    calls = np.bincount(name[view.kernels], minlength=len(view.trace.strings))
    for number, example in enumerate(first.tolist()):
        before, after = int(name[previous[example]]), int(name[rows[example]])
        if before == after or pair_calls[number] < FEWEST_A_STEP * view.step_count:
            continue
        members = pair == number
        for follows, vanishing in ((True, rows[members]), (False, previous[members])):
            always = pair_calls[number] == calls[after if follows else before]
            if always and _is_small(view, vanishing):
                pair_rows = int(previous[example]), int(rows[example])
                candidates.append((int(view.duration_ns(vanishing).sum()), before, after, pair_rows, vanishing))
    candidates.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
    taken: set[int] = set()
    for _, before, after, pair_rows, vanishing in candidates:
        if before not in taken and after not in taken and len(taken) < 2 * MOST_PAIRS:
            taken |= {before, after}
            finding = _finding(view, pair_rows, vanishing)
            if finding.gain and finding.gain.high_ns:
                yield finding


def _is_small(view: PhaseView, rows: IntArray) -> bool:
    long_name = view.trace.strings[view.trace.kernels.demangled[rows[0]]]
    return bool(np.median(view.duration_ns(rows)) < TINY_KERNEL_NS) and not is_matmul(long_name)


def _finding(view: PhaseView, pair: tuple[int, int], vanishing: IntArray) -> Finding:
    """The finding about a pair, of which two kernels that follow each other are given, and all those that could go."""
    follows = pair[1] in vanishing
    large_name, small_name = (_readable(view, row) for row in (pair if follows else pair[::-1]))
    order = "always follows" if follows else "always precedes"
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{small_name} {order} {large_name} ({rounded(len(vanishing) / view.step_count)} times a step) "
        "and could be fused into it.",
        evidence=(kernel_evidence(view, vanishing, f"The kernel that could go: {small_name}"),),
        hypothesis="The two run back to back on one stream, most likely because one reads what the other wrote; "
        "whether nothing else needs the intermediate result must be checked in the code.",
        remedy=f"Do the work of {small_name} inside {large_name}.",
        gain=gain_of_removing(view, vanishing, kept_share=KEPT_SHARE),
        effort=Effort.MEDIUM,
        risk="The fused kernel may need more registers, and rounds differently if a cast disappears.",
        target=Target("pair", "calls_per_step", "<=", 0, view.phase, tuple(exact_name(view, row) for row in pair)),
    )


def _readable(view: PhaseView, row: int) -> str:
    strings = view.trace.strings
    return readable(strings[view.trace.operations.name[row]], strings[view.trace.kernels.demangled[row]])
