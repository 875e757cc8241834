"""Kernels that always come as a pair, one of which could do the other's work.

A capture shows in which order kernels run, not what they read and write. Two that the program describes in one range,
as one role of one layer, belong together by its own account; of all others the order is all that speaks for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import own_ns
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import MINOR_SHARE, Detection, Effort, Finding, Gain
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import rounded
from workbench.findings.selection import TINY_KERNEL_NS, exact_name, is_attention, is_matmul, neighbours, readable_name
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
    "They run back to back in one role of a layer, so one most likely reads what the other wrote; whether nothing else "
    "needs the intermediate result must be checked in the code."
)
_BY_ORDER = (
    "All that is seen is that they run in this order on one stream. One may read what the one ahead wrote; they may as "
    "well prepare different inputs of another kernel, and then there is nothing to fuse. The code tells."
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
                names = int(before[number]), int(after[number])
                goes, stays = names[::-1] if follows else names
                total_ns = int(time_ns[vanishing].sum())
                candidates.append(_Pair(previous[members], rows[members], follows, total_ns, goes, stays))
    candidates.sort(key=lambda found: (-found.time_ns, *name[[found.before[0], found.after[0]]].tolist()))
    for chain in _chains(_best(view, candidates)):
        yield _finding(view, chain)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Kernels that follow each other, one of which could go.

    Attributes:
        before, after: the kernels, shape (pairs,).
        follows: whether it is the later one that could go.
        time_ns: how long those that could go run by themselves.
        goes, stays: the names of the one that could go, and of the other one.
    """

    before: IntArray
    after: IntArray
    follows: bool
    time_ns: int
    goes: int
    stays: int

    @property
    def vanishing(self) -> IntArray:
        """Those that could go."""
        return self.after if self.follows else self.before

    def told(self, view: PhaseView) -> str:
        """What is the case, in words."""
        order = "always follows" if self.follows else "always precedes"
        small, large = (readable_name(view, row) for row in self.ends)
        return f"{small} {order} {large} ({rounded(len(self.before) / view.step_count)} times a step)"

    @property
    def ends(self) -> tuple[int, int]:
        """One of those that could go, and the one beside it."""
        rows = int(self.before[0]), int(self.after[0])
        return rows[::-1] if self.follows else rows


def _best(view: PhaseView, candidates: Iterable[_Pair]) -> Sequence[_Pair]:
    """Of pairs, the longest first: a kernel goes but once, and takes over another's work again only if that pays."""
    chosen: dict[int, _Pair] = {}
    for pair in candidates:
        if pair.goes in chosen or pair.goes in _takers(pair.stays, chosen) or len(chosen) == MOST_PAIRS:
            continue
        gain = gain_of_removing(view, pair.vanishing)
        is_taken = pair.stays in {other.stays for other in chosen.values()}
        if gain.high_ns and not (is_taken and gain.high_ns < MINOR_SHARE * gain.step_ns):
            chosen[pair.goes] = pair
    return tuple(chosen.values())


def _takers(name: int, chosen: Mapping[int, _Pair]) -> Sequence[int]:
    """Who does a kernel's work in the end: the kernel, or who takes it over, and who takes that over, in turn."""
    takers = [name]
    while takers[-1] in chosen:
        takers.append(chosen[takers[-1]].stays)
    return takers


def _chains(pairs: Sequence[_Pair]) -> Iterable[Sequence[_Pair]]:
    """Pairs put together whose kernels could all go into one, each chain with the pair that holds this one first."""
    chosen = {pair.goes: pair for pair in pairs}
    chains: dict[tuple[int, int], list[_Pair]] = {}
    for pair in pairs:
        *_, last, root = [pair.goes, *_takers(pair.stays, chosen)]
        chains.setdefault((root, last), []).append(pair)
    return [sorted(chain, key=lambda pair: len(_takers(pair.stays, chosen))) for chain in chains.values()]


def _is_small(view: PhaseView, rows: IntArray, time_ns: IntArray) -> bool:
    (name,) = view.trace.texts(view.trace.kernels.demangled[rows[:1]])
    return bool(np.median(time_ns[rows]) < TINY_KERNEL_NS) and not is_matmul(name) and not is_attention(name)


def _finding(view: PhaseView, chain: Sequence[_Pair]) -> Finding:
    """The finding about kernels that could all go into one."""
    first = chain[0]
    names = [readable_name(view, pair.ends[0]) for pair in chain]
    large_name = readable_name(view, first.ends[1])
    told = " and ".join(pair.told(view) for pair in chain)
    belonging = [pair for pair in chain if _is_one_role(view, pair)]
    rows = int(first.before[0]), int(first.after[0])
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{told} and could be fused into it."
        if len(chain) == 1
        else f"{told}; they could be fused into {large_name}.",
        evidence=tuple(
            kernel_evidence(view, pair.vanishing, f"The kernel that could go: {name}")
            for name, pair in zip(names, chain, strict=True)
        ),
        hypothesis=_AS_ONE_ROLE if len(belonging) == len(chain) else _BY_ORDER,
        remedy=f"Do the work of {' and '.join(names)} inside {large_name}.",
        gain=_gain(view, chain, belonging),
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


def _gain(view: PhaseView, chain: Sequence[_Pair], belonging: Sequence[_Pair]) -> Gain:
    """The gain of fusing all; at the low end only what belongs together by the program's own account."""
    gain = gain_of_removing(view, _all(chain), busy=(1 - KEPT_SHARE, 1.0))
    if len(belonging) == len(chain):
        return gain
    sure = gain_of_removing(view, _all(belonging), busy=(1 - KEPT_SHARE, 1.0)).low_ns if belonging else 0
    basis = f"{gain.basis}; nothing of kernels that do not need what the other one writes"
    return replace(gain, low_ns=min(sure, gain.low_ns), basis=basis)


def _all(pairs: Sequence[_Pair]) -> IntArray:
    rows: IntArray = np.sort(np.concatenate([pair.vanishing for pair in pairs]))
    return rows
