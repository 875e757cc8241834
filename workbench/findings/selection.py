"""Picks out operations and steps by what they are: tiny kernels, small copies, pairs, outliers."""

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.breakdown import memop_kinds
from workbench.analysis.idle import IdleKind
from workbench.attribution.leaves import Leaf
from workbench.findings.names import readable, spellings
from workbench.findings.view import ONE_OFF, PhaseView
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind
from workbench.trace.schema import MEMORY_KIND_PAGEABLE

TINY_KERNEL_NS = 5_000
SMALL_COPY_BYTES = 64 * 1024
# A step is an outlier when it takes this many times the median, and more than the steps' own spread explains.
OUTLIER_FACTOR = 1.25
OUTLIER_DEVIATIONS = 6
# A shorter wait is a launch at work; a longer one stands out when it is so many times the median wait.
SHORTEST_LONG_WAIT_NS = 200_000
_MATMUL = re.compile(
    r"(?i)gemm|gemv|nvjet|mul_mat(?!\w*(fixup|q_stream))|matmul|cutlass|xmma|wgmma|cublas|marlin|machete"
)
_ATTENTION = re.compile(r"(?i)flash|fmha|sdpa|attention|attn")
_NOT_MATMUL = re.compile(r"(?i)reduce|fixup|quantize|flash|fmha|sdpa|attention")


def tiny_kernels(view: PhaseView) -> IntArray:
    """The phase's kernels that run for less than `TINY_KERNEL_NS`."""
    return view.kernels[view.duration_ns(view.kernels) < TINY_KERNEL_NS]


def outliers(view: PhaseView) -> NDArray[np.bool_]:
    """Which steps take far longer than the median, by more than their own spread explains, shape (steps,)."""
    median_ns = float(np.median(view.wall_ns))
    deviation_ns = float(np.median(np.abs(view.wall_ns - median_ns)))
    limit_ns = max(OUTLIER_FACTOR * median_ns, median_ns + OUTLIER_DEVIATIONS * deviation_ns)
    return view.wall_ns > limit_ns


def long_waits(view: PhaseView) -> IntArray:
    """Gaps in the phase's steps that stand out, and are mostly starved of launches."""
    gaps = view.analysis.gaps
    own = np.flatnonzero(np.isin(view.analysis.gap_steps, view.steps))
    length_ns = gaps.end_ns[own] - gaps.begin_ns[own]
    shortest_ns = max(SHORTEST_LONG_WAIT_NS, ONE_OFF * float(np.median(length_ns))) if len(own) else 0
    starved = gaps.waited_ns[own, IdleKind.LAUNCH] > length_ns // 2
    found: IntArray = own[(length_ns >= shortest_ns) & starved]
    return found


def operation_labels(view: PhaseView, rows: IntArray) -> list[str]:
    """What each operation is: a kernel's short name, or `memcpy`, `memset` or `graph`."""
    operations = view.trace.operations
    names = view.trace.texts(operations.name[rows])
    kinds = operations.kind[rows].tolist()
    return [
        name if kind == OperationKind.KERNEL else OperationKind(kind).name.lower()
        for name, kind in zip(names, kinds, strict=True)
    ]


def memory_operations(view: PhaseView, subject: str) -> tuple[IntArray, IntArray]:
    """The phase's copies or memsets that a subject such as `memcpy_small` names, and their sizes in bytes."""
    trace, copies = view.trace, view.trace.copies
    if subject == "memset":
        return view.memsets, trace.memsets.bytes[view.memsets - trace.operation_rows(OperationKind.MEMSET).start]
    own = view.copies - trace.operation_rows(OperationKind.MEMCPY).start
    if subject == "memcpy_small":
        chosen = copies.bytes[own] <= SMALL_COPY_BYTES
    elif subject == "memcpy_pageable":
        chosen = (copies.source_kind[own] == MEMORY_KIND_PAGEABLE) | (
            copies.destination_kind[own] == MEMORY_KIND_PAGEABLE
        )
    else:
        kinds, names = memop_kinds(trace)
        chosen = np.isin(kinds[own], [number for number, name in enumerate(names) if name == subject])
    return view.copies[chosen], copies.bytes[own[chosen]]


def matmuls(view: PhaseView, rows: IntArray) -> BoolArray:
    """Which of some kernels are matrix products, by their names, shape (rows,)."""
    names = view.trace.kernels.demangled[rows]
    distinct = np.unique(names)
    known = [name for name in distinct.tolist() if is_matmul(view.trace.text(name))]
    return np.isin(names, known)


def is_matmul(name: str) -> bool:
    """Whether a kernel of this name is a matrix product."""
    return bool(_MATMUL.search(name)) and not _NOT_MATMUL.search(name)


def is_attention(name: str) -> bool:
    """Whether a kernel of this name computes attention."""
    return bool(_ATTENTION.search(name))


def kernels_named(view: PhaseView, name: str) -> IntArray:
    """The phase's kernels of this name, in any of its spellings."""
    return view.kernels[_is_named(view, view.kernels, name)]


def exact_name(view: PhaseView, row: int) -> str:
    """The shortest spelling of a kernel's name that no other kernel of the phase shares."""
    known, _ = _distinct_names(view, view.kernels)
    sharers = Counter(spelling for names in set(known) for spelling in set(names))
    (own,), _ = _distinct_names(view, np.array([row]))
    return next((spelling for spelling in own if sharers[spelling] == 1), own[-1])


def readable_name(view: PhaseView, row: int) -> str:
    """A kernel's name as it is read in a sentence."""
    (own,), _ = _distinct_names(view, np.array([row]))
    return readable(own[0], own[-1])


def _is_named(view: PhaseView, rows: IntArray, name: str) -> BoolArray:
    known, of_row = _distinct_names(view, rows)
    return np.array([name in names for names in known], np.bool_)[of_row]


def _distinct_names(view: PhaseView, rows: IntArray) -> tuple[list[tuple[str, str, str]], IntArray]:
    """The spellings of the distinct names that some kernels have, and which of them each kernel has."""
    short, long = view.trace.operations.name[rows], view.trace.kernels.demangled[rows]
    of_row, first = group_rows(short, long)
    texts = zip(view.trace.texts(short[first]), view.trace.texts(long[first]), strict=True)
    return [spellings(*pair) for pair in texts], of_row


def kernels_of_layers(view: PhaseView, *names: str) -> IntArray:
    """The phase's kernels of a layer type, or of a layer type and role."""
    return view.kernels[_is_of_layers(view, view.kernels, *names)]


def operations_of_role(view: PhaseView, layer_type: str, role: str) -> IntArray:
    """The phase's operations, copies and memsets among them, of a layer type's role."""
    return view.operations[_is_of_layers(view, view.operations, layer_type, role)]


def _is_of_layers(view: PhaseView, rows: IntArray, *names: str) -> BoolArray:
    attribution = view.analysis.attribution
    wanted = [
        number for number, leaf in enumerate(attribution.leaves) if (leaf.layer_type, leaf.role)[: len(names)] == names
    ]
    return np.isin(attribution.leaf[rows], wanted)


def block_inputs(view: PhaseView, layer_type: str) -> IntArray:
    """The matrix products of a layer type that read the block's own input, and never another's output."""
    attribution = view.analysis.attribution
    pattern = attribution.rules.block_input_roles.get(layer_type)
    wanted = [
        number
        for number, leaf in enumerate(attribution.leaves)
        if pattern and leaf.layer_type == layer_type and pattern.search(leaf.role) and tells_layers_apart(leaf)
    ]
    rows = view.kernels[np.isin(attribution.leaf[view.kernels], wanted)]
    return rows[matmuls(view, rows)]


def pair_followers(view: PhaseView, first: str, second: str) -> IntArray:
    """Kernels named `second` that directly follow one named `first` on their stream."""
    rows, previous = neighbours(view)
    return rows[_is_named(view, previous, first) & _is_named(view, rows, second)]


def neighbours(view: PhaseView) -> tuple[IntArray, IntArray]:
    """Kernels that directly follow another on their stream within a step, and the kernels they follow."""
    rows, previous = followers(view)
    kind = view.trace.operations.kind
    kernels = (kind[rows] == OperationKind.KERNEL) & (kind[previous] == OperationKind.KERNEL)
    return rows[kernels], previous[kernels]


def followers(view: PhaseView) -> tuple[IntArray, IntArray]:
    """Operations that directly follow another on their stream within a step, and those they follow."""
    operations = view.trace.operations
    rows = view.operations
    order = np.lexsort((operations.start_ns[rows], operations.stream[rows], operations.device[rows]))
    rows = rows[order]
    same = (operations.stream[rows][1:] == operations.stream[rows][:-1]) & (
        operations.device[rows][1:] == operations.device[rows][:-1]
    )
    step = view.analysis.attribution.placement.step[rows]
    same &= step[1:] == step[:-1]
    return rows[1:][same], rows[:-1][same]


def blocks_of(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """How many blocks the grids of some kernels have, shape (rows,)."""
    details = view.trace.kernels
    blocks: NDArray[np.int64] = details.grid_x[rows].astype(np.int64) * details.grid_y[rows] * details.grid_z[rows]
    return blocks


def tells_layers_apart(leaf: Leaf) -> bool:
    """Whether kernels of this leaf are known to be of one layer: a name alone is the same in every layer."""
    return leaf.layer != NONE or leaf.by == "range"


def layer_instance(view: PhaseView, rows: IntArray) -> IntArray:
    """Numbers the layers of every step that some kernels belong to, shape (rows,).

    Where a range has no layer index, every range stands for a layer of its own.
    """
    attribution = view.analysis.attribution
    layer = np.array([leaf.layer for leaf in attribution.leaves], np.int64)[attribution.leaf[rows]]
    own_range = np.where(layer == NONE, attribution.own_range[rows], NONE)
    return group_rows(attribution.placement.step[rows], layer, own_range)[0]


def layer_instances(view: PhaseView, rows: IntArray) -> int:
    """How many layers, counted in every step, some kernels belong to."""
    return len(np.unique(layer_instance(view, rows)))
