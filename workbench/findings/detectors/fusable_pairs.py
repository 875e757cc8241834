"""Kernels that always come as a pair, one of which could do the other's work."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import rounded
from workbench.findings.selection import TINY_KERNEL_NS, exact_name, is_matmul, neighbours, readable_name
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE

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
    before, after = name[previous[first]], name[rows[first]]
    pair_calls = np.bincount(pair, minlength=len(first))
    # Shifted by one, for kernels whose names the export does not hold: what those are, nobody knows.
    calls = np.bincount(name[view.kernels] + 1, minlength=len(view.trace.strings) + 1)
    # Whether kernel B always follows kernel A, and whether A always precedes B.
    always = np.stack([pair_calls == calls[after + 1], pair_calls == calls[before + 1]])
    always &= (before != after) & (np.minimum(before, after) != NONE)
    always &= pair_calls >= FEWEST_A_STEP * view.step_count
    by_pair = np.argsort(pair, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(pair_calls)])
    for number in np.flatnonzero(always.any(axis=0)).tolist():
        members = by_pair[bounds[number] : bounds[number + 1]]
        for is_always, vanishing in zip(always[:, number].tolist(), (rows[members], previous[members]), strict=True):
            if is_always and _is_small(view, vanishing):
                pair_rows = int(previous[first[number]]), int(rows[first[number]])
                names = int(before[number]), int(after[number])
                candidates.append((int(view.duration_ns(vanishing).sum()), *names, pair_rows, vanishing))
    candidates.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
    taken: set[int] = set()
    for _, first_name, second_name, pair_rows, vanishing in candidates:
        if first_name not in taken and second_name not in taken and len(taken) < 2 * MOST_PAIRS:
            taken |= {first_name, second_name}
            finding = _finding(view, pair_rows, vanishing)
            if finding.gain and finding.gain.high_ns:
                yield finding


def _is_small(view: PhaseView, rows: IntArray) -> bool:
    (long_name,) = view.trace.texts(view.trace.kernels.demangled[rows[:1]])
    return bool(np.median(view.duration_ns(rows)) < TINY_KERNEL_NS) and not is_matmul(long_name)


def _finding(view: PhaseView, pair: tuple[int, int], vanishing: IntArray) -> Finding:
    """The finding about a pair, of which two kernels that follow each other are given, and all those that could go."""
    follows = pair[1] in vanishing
    large_name, small_name = (readable_name(view, row) for row in (pair if follows else pair[::-1]))
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
        gain=gain_of_removing(view, vanishing, busy=(1 - KEPT_SHARE, 1.0)),
        effort=Effort.MEDIUM,
        risk="The fused kernel may need more registers, and rounds differently if a cast disappears.",
        target=Target("pair", "calls_per_step", "<=", 0, view.phase, tuple(exact_name(view, row) for row in pair)),
    )
