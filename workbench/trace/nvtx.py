"""Turns NVTX events into ranges with the names of their domains and categories."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.trace import schema
from workbench.trace.bulk import TableData
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.identifiers import PROCESS_MASK, StringPool, positions
from workbench.trace.model import NONE, OPEN_END_NS, Ranges, RangeStyle


def assemble_ranges(nvtx: TableData, threads: NDArray[np.int64], pool: StringPool) -> Ranges:
    """The ranges among NVTX events.

    Args:
        nvtx: the table `nvtx` of `trace.schema`.
        threads: the trace's global thread ids, sorted.
        pool: the trace's strings; texts that only the events carry are added to it.
    """
    events = nvtx.integers
    names = _names(nvtx, pool)
    domain = _domains(events, names, pool)
    category = _categories(events, names, pool)
    event_type = events["event_type"]
    rows = np.flatnonzero(np.isin(event_type, schema.NVTX_PUSH_POP + schema.NVTX_START_END))
    end_ns = np.where(events["end_ns"] == NONE, OPEN_END_NS, events["end_ns"])
    rows = rows[np.lexsort((-end_ns[rows], events["start_ns"][rows]))]
    is_push_pop = np.isin(event_type[rows], schema.NVTX_PUSH_POP)
    return Ranges(
        start_ns=events["start_ns"][rows],
        end_ns=end_ns[rows],
        style=np.where(is_push_pop, RangeStyle.PUSH_POP, RangeStyle.START_END).astype(np.int8),
        thread=positions(threads, events["thread"][rows]),
        domain=domain[rows],
        category=category[rows],
        name=names[rows],
        payload=events["payload"][rows],
    )


def _names(nvtx: TableData, pool: StringPool) -> NDArray[np.int32]:
    """Positions of the events' texts: the registered string where there is one, else the event's own."""
    codes, values = nvtx.texts["text"]
    own = np.fromiter((pool.intern(text) for text in values), np.int32, len(values))
    registered = pool.positions(nvtx.integers["text_id"])
    return np.where(registered != NONE, registered, own[codes] if len(values) else registered)


def _domains(events: dict[str, IntArray], names: NDArray[np.int32], pool: StringPool) -> NDArray[np.int32]:
    creations = events["event_type"] == schema.NVTX_DOMAIN_CREATE
    name_of = _named(names, creations, _process(events), events["domain"])

    def name(process: int, domain: int) -> int:
        known = name_of.get((process, domain))
        return pool.intern(f"domain {domain}" if domain > 0 else "") if known is None else known

    return _map_distinct(name, _process(events), events["domain"])


def _categories(events: dict[str, IntArray], names: NDArray[np.int32], pool: StringPool) -> NDArray[np.int32]:
    namings = events["event_type"] == schema.NVTX_CATEGORY_NAME
    name_of = _named(names, namings, _process(events), events["domain"], events["category"])

    def name(process: int, domain: int, category: int) -> int:
        if category == NONE:
            return NONE
        known = name_of.get((process, domain, category))
        return pool.intern(str(category)) if known is None else known

    return _map_distinct(name, _process(events), events["domain"], events["category"])


def _process(events: dict[str, IntArray]) -> NDArray[np.int64]:
    return (events["thread"] & PROCESS_MASK).astype(np.int64, copy=False)


def _named(names: NDArray[np.int32], rows: BoolArray, *keys: IntArray) -> dict[tuple[int, ...], int]:
    """The name that each of these events gives to its key."""
    columns = [key[rows].tolist() for key in keys]
    return dict(zip(zip(*columns, strict=True), names[rows].tolist(), strict=True))


def _map_distinct(function: Callable[..., int], *columns: IntArray) -> NDArray[np.int32]:
    """Applies `function` to each row of `columns`, calling it once for every distinct row."""
    group, first = group_rows(*columns)
    arguments = zip(*(column[first].tolist() for column in columns), strict=True)
    results = np.fromiter((function(*row) for row in arguments), np.int32, len(first))
    return results[group]
