"""Sums kernels and memory operations by whatever keys are asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.attribution import Attribution
from workbench.attribution.rules import PHASES
from workbench.errors import UserError
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind, Trace
from workbench.trace.schema import COPY_KINDS

KEYS = ("phase", "step", "layer_type", "layer", "role", "range", "kernel", "stream", "device", "process")
DEFAULT_KEYS = ("phase", "layer_type")
Cell = str | int | None


@dataclass(frozen=True)
class KernelRow:
    """Kernels that share all keys.

    `share` is of the kernels considered; `median_ns` is the mean of the middle two where their number is even.
    """

    keys: dict[str, Cell]
    count: int
    total_ns: int
    share: float
    mean_ns: float
    median_ns: float
    min_ns: int
    max_ns: int


@dataclass(frozen=True)
class MemopRow:
    """Copies of one kind, or memsets, of one layer type in one phase."""

    phase: str
    layer_type: str | None
    kind: str
    count: int
    bytes: int
    total_ns: int


@dataclass(frozen=True)
class _KeyColumn:
    """One key: a code for each operation, and what a code stands for."""

    codes: IntArray
    decode: Callable[[int], Cell]


def kernel_rows(
    attribution: Attribution, keys: Sequence[str] = DEFAULT_KEYS, *, phase: str | None = None, demangled: bool = False
) -> list[KernelRow]:
    """Sums all kernels by `keys`, the longest total first; what a kernel lacks (a layer, a step) is None.

    Args:
        attribution: what the kernels are.
        keys: some of `KEYS`. Steps are numbered within a process, so `process` joins `step` where several
            processes ran kernels.
        phase: considers the kernels of this phase only.
        demangled: names kernels by their long names.

    Raises:
        UserError: a key is unknown, or named twice.
    """
    keys = _checked(keys)
    trace = attribution.trace
    rows = np.arange(len(trace.kernels))
    if phase is not None:
        rows = rows[attribution.placement.phase[rows] == PHASES.index(phase)]
    if "step" in keys and "process" not in keys and len(np.unique(trace.operations.process[rows])) > 1:
        keys = (*keys, "process")
    columns = [_column(attribution, key, demangled=demangled) for key in keys]
    duration_ns = trace.operations.end_ns[rows] - trace.operations.start_ns[rows]
    group, first = group_rows(*(column.codes[rows] for column in columns))
    statistics = _Statistics.of(group, len(first), duration_ns)
    base_ns = int(duration_ns.sum())
    cells = [[column.decode(code) for code in column.codes[rows[first]].tolist()] for column in columns]
    result = [
        KernelRow(
            keys=dict(zip(keys, (column[i] for column in cells), strict=True)),
            count=int(statistics.count[i]),
            total_ns=int(statistics.total_ns[i]),
            share=int(statistics.total_ns[i]) / base_ns if base_ns else 0.0,
            mean_ns=int(statistics.total_ns[i]) / int(statistics.count[i]),
            median_ns=float(statistics.median_ns[i]),
            min_ns=int(statistics.min_ns[i]),
            max_ns=int(statistics.max_ns[i]),
        )
        for i in range(len(first))
    ]
    return sorted(result, key=lambda row: -row.total_ns)


def _checked(keys: Sequence[str]) -> tuple[str, ...]:
    for key in keys:
        if key not in KEYS:
            raise UserError(f"{key!r} is no key to sum by; keys are {', '.join(KEYS)}")
    if len(set(keys)) < len(keys) or not keys:
        raise UserError(f"name each key to sum by once; keys are {', '.join(KEYS)}")
    return tuple(keys)


def _column(attribution: Attribution, key: str, *, demangled: bool) -> _KeyColumn:
    trace, placement = attribution.trace, attribution.placement
    operations = trace.operations
    kernels = trace.operation_rows(OperationKind.KERNEL)
    match key:
        case "phase":
            return _KeyColumn(placement.phase[kernels], lambda code: PHASES[code])
        case "step":
            step = placement.step[kernels]
            number = _lookup(placement.steps.number, step)
            return _KeyColumn(number, _or_none)
        case "layer":
            layers = np.array([leaf.layer for leaf in attribution.leaves], np.int64)
            return _KeyColumn(_lookup(layers, attribution.leaf[kernels]), _or_none)
        case "layer_type" | "role":
            texts = [getattr(leaf, key) for leaf in attribution.leaves]
            distinct = sorted({text for text in texts if text})
            codes = np.array([distinct.index(text) if text else NONE for text in texts], np.int64)
            return _KeyColumn(
                _lookup(codes, attribution.leaf[kernels]), lambda code: distinct[code] if code != NONE else None
            )
        case "range":
            name = _lookup(trace.ranges.name, attribution.own_range[kernels])
            return _string_column(trace, name)
        case "kernel":
            return _string_column(trace, trace.kernels.demangled if demangled else operations.name[kernels])
        case "stream":
            return _KeyColumn(operations.stream[kernels], int)
        case "device":
            return _KeyColumn(operations.device[kernels], int)
        case _:
            return _KeyColumn(operations.process[kernels], trace.pid)


def _lookup(values: IntArray, index: IntArray) -> IntArray:
    return np.where(index == NONE, NONE, values[index]) if len(values) else np.full(len(index), NONE)


def _or_none(code: int) -> int | None:
    return None if code == NONE else code


def _string_column(trace: Trace, positions: IntArray) -> _KeyColumn:
    """Equal texts under different positions are one key."""
    group, first = group_rows(positions)
    canonical: dict[str, int] = {}
    texts = trace.texts(positions[first])
    codes = np.array(
        [
            canonical.setdefault(text, position) if position != NONE else NONE
            for text, position in zip(texts, positions[first].tolist(), strict=True)
        ],
        np.int64,
    )
    return _KeyColumn(codes[group], lambda code: trace.text(code) if code != NONE else None)


@dataclass(frozen=True, eq=False)
class _Statistics:
    count: NDArray[np.int64]
    total_ns: NDArray[np.int64]
    median_ns: NDArray[np.float64]
    min_ns: NDArray[np.int64]
    max_ns: NDArray[np.int64]

    @classmethod
    def of(cls, group: IntArray, groups: int, duration_ns: IntArray) -> "_Statistics":
        if not groups:
            empty = np.empty(0, np.int64)
            return cls(empty, empty, empty.astype(np.float64), empty, empty)
        order = np.lexsort((duration_ns, group))
        ordered = duration_ns[order]
        count = np.bincount(group, minlength=groups)
        last = np.cumsum(count) - 1
        first = last - count + 1
        median = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
        return cls(count, np.add.reduceat(ordered, first), median, ordered[first], ordered[last])


def memop_kinds(trace: Trace) -> tuple[IntArray, list[str]]:
    """For each copy, then each memset, the number of its kind; and the kinds' names, such as `memcpy_h2d`."""
    kinds = np.unique(trace.copies.copy_kind).tolist()
    names = [f"memcpy_{COPY_KINDS.get(kind, f'kind_{kind}')}" for kind in kinds]
    of_copies = np.searchsorted(kinds, trace.copies.copy_kind)
    return np.concatenate([of_copies, np.full(len(trace.memsets), len(names))]).astype(np.int64), [*names, "memset"]


def memop_rows(attribution: Attribution, *, phase: str | None = None) -> list[MemopRow]:
    """Sums copies and memsets by phase, layer type and kind, the longest total first.

    Args:
        attribution: what they are.
        phase: considers those of this phase only.
    """
    trace = attribution.trace
    first, last = trace.operation_rows(OperationKind.MEMCPY).start, trace.operation_rows(OperationKind.MEMSET).stop
    rows = np.arange(first, last)
    kind, names = memop_kinds(trace)
    sizes = np.concatenate([trace.copies.bytes, trace.memsets.bytes])
    if phase is not None:
        chosen = attribution.placement.phase[rows] == PHASES.index(phase)
        rows, kind, sizes = rows[chosen], kind[chosen], sizes[chosen]
    layer_types = [leaf.layer_type for leaf in attribution.leaves]
    distinct = sorted(set(layer_types))
    codes = np.array([distinct.index(layer_type) for layer_type in layer_types], np.int64)
    layer_type = _lookup(codes, attribution.leaf[rows])
    group, example = group_rows(attribution.placement.phase[rows], layer_type, kind)
    duration_ns = trace.operations.end_ns[rows] - trace.operations.start_ns[rows]
    count = np.bincount(group, minlength=len(example))
    total_ns, total_bytes = np.zeros(len(example), np.int64), np.zeros(len(example), np.int64)
    np.add.at(total_ns, group, duration_ns)
    np.add.at(total_bytes, group, sizes)
    result = [
        MemopRow(
            phase=PHASES[attribution.placement.phase[rows[row]]],
            layer_type=distinct[layer_type[row]] if layer_type[row] != NONE else None,
            kind=names[kind[row]],
            count=int(count[i]),
            bytes=int(total_bytes[i]),
            total_ns=int(total_ns[i]),
        )
        for i, row in enumerate(example.tolist())
    ]
    return sorted(result, key=lambda row: -row.total_ns)
