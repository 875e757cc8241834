"""Kernels that always come as a pair, one of which could do the other's work.

A capture shows in which order kernels run, not what they read and write. Two that the program describes in one range,
as one role of one layer, belong together by its own account; of all others the order is all that speaks for it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import own_ns
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding, Gain
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

_AS_ONE_ROLE = (
    "The two run back to back in one role of a layer, so one most likely reads what the other wrote; whether nothing "
    "else needs the intermediate result must be checked in the code."
)
_BY_ORDER = (
    "All that is seen is that the two run in this order on one stream. One may read what the other wrote; they may as "
    "well prepare different inputs of a third kernel, and then there is nothing to fuse. The code tells."
)


def detect(analysis: Analysis) -> Detection:
    """Looks for kernels B that always follow a kernel A, or A that always precede B, where one of them is small."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    rows, previous = neighbours(view)
    name = view.trace.kernels.demangled
    time_ns = np.zeros(len(view.trace.operations), np.int64)
    time_ns[view.kernels] = own_ns(view, view.kernels)
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
        for follows, is_always in zip((True, False), always[:, number].tolist(), strict=True):
            vanishing = rows[members] if follows else previous[members]
            if is_always and _is_small(view, vanishing, time_ns):
                candidates.append(_Pair(previous[members], rows[members], follows, int(time_ns[vanishing].sum())))
    candidates.sort(key=lambda found: (-found.time_ns, *name[[found.before[0], found.after[0]]].tolist()))
    yield from _best(view, candidates)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Kernels that follow each other, one of which could go.

    Attributes:
        before, after: the kernels, shape (pairs,).
        follows: whether it is the later one that could go.
        time_ns: how long those that could go run by themselves.
    """

    before: IntArray
    after: IntArray
    follows: bool
    time_ns: int

    @property
    def vanishing(self) -> IntArray:
        """Those that could go."""
        return self.after if self.follows else self.before


def _best(view: PhaseView, candidates: Iterable[_Pair]) -> Iterator[Finding]:
    """Of pairs, the longest first: a kernel goes but once, and takes over another's work again only if that pays."""
    name = view.trace.kernels.demangled
    gone: set[int] = set()
    staying: set[int] = set()
    for pair in candidates:
        names = int(name[pair.before[0]]), int(name[pair.after[0]])
        vanishing, stays = names[::-1] if pair.follows else names
        is_reversed = vanishing in staying and stays in gone
        if vanishing in gone or is_reversed or len(gone) == MOST_PAIRS:
            continue
        finding = _finding(view, pair)
        if finding.gain and finding.gain.high_ns and not (stays in staying and finding.is_minor):
            gone.add(vanishing)
            staying.add(stays)
            yield finding


def _is_small(view: PhaseView, rows: IntArray, time_ns: IntArray) -> bool:
    (long_name,) = view.trace.texts(view.trace.kernels.demangled[rows[:1]])
    return bool(np.median(time_ns[rows]) < TINY_KERNEL_NS) and not is_matmul(long_name)


def _finding(view: PhaseView, pair: _Pair) -> Finding:
    rows = int(pair.before[0]), int(pair.after[0])
    vanishing = pair.vanishing
    large_name, small_name = (readable_name(view, row) for row in (rows if pair.follows else rows[::-1]))
    order = "always follows" if pair.follows else "always precedes"
    belongs = _is_one_role(view, pair)
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{small_name} {order} {large_name} ({rounded(len(vanishing) / view.step_count)} times a step) "
        "and could be fused into it.",
        evidence=(kernel_evidence(view, vanishing, f"The kernel that could go: {small_name}"),),
        hypothesis=_AS_ONE_ROLE if belongs else _BY_ORDER,
        remedy=f"Do the work of {small_name} inside {large_name}.",
        gain=_gain(view, vanishing, belongs=belongs),
        effort=Effort.MEDIUM,
        risk="The fused kernel may need more registers, and rounds differently if a cast disappears.",
        target=Target("pair", "calls_per_step", "<=", 0, view.phase, tuple(exact_name(view, row) for row in rows)),
    )


def _is_one_role(view: PhaseView, pair: _Pair) -> bool:
    """Whether each two are described by ranges as the same role of the same layer."""
    leaf, leaves = view.analysis.attribution.leaf, view.analysis.attribution.leaves
    if (leaf[pair.before] != leaf[pair.after]).any() or (leaf[pair.before] == NONE).any():
        return False
    return all(leaves[number].by == "range" and leaves[number].role for number in np.unique(leaf[pair.before]).tolist())


def _gain(view: PhaseView, vanishing: IntArray, *, belongs: bool) -> Gain:
    gain = gain_of_removing(view, vanishing, busy=(1 - KEPT_SHARE, 1.0))
    if belongs:
        return gain
    return replace(gain, low_ns=0, basis=f"{gain.basis}; nothing, if neither needs what the other writes")
