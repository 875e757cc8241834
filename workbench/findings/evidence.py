"""Tables that several detectors show: kernels by name, calls by name, copies by kind and size."""

import numpy as np

from workbench.analysis.breakdown import memop_kinds
from workbench.analysis.calls import CallKind
from workbench.findings import sql
from workbench.findings.finding import Cell, Evidence
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import OperationKind
from workbench.trace.schema import MEMORY_KIND_PAGEABLE

MOST_ROWS = 8
# A longer condition on kernels is no use to a reader; evidence then shows one step.
LONGEST_CONDITION = 5_000


def kernel_evidence(view: PhaseView, rows: IntArray, title: str, most_rows: int = MOST_ROWS) -> Evidence:
    """Kernels by their long names: calls, total and mean time, share of the phase's kernel time.

    Where no short condition tells these kernels, one step's are shown, and their share of a mean step's kernel time.

    Args:
        view: the phase.
        rows: which of its kernels.
        title: the table's title.
        most_rows: so many names are shown, those with the longest total.
    """
    long_name = view.trace.kernels.demangled
    is_one_step = len(sql.condition(view, rows)) > LONGEST_CONDITION
    if is_one_step:
        rows, number = _of_middle_step(view, rows)
        title = f"{title}, in step {number}"
    steps, share = view.step_count if is_one_step else 1, "share_of_kernel_time"
    columns = ("kernel", "calls", "total_ns", "mean_ns", share)
    duration_ns = view.duration_ns(rows)
    phase_ns = int(view.duration_ns(view.kernels).sum())
    group, first = group_rows(long_name[rows])
    total_ns = np.zeros(len(first), np.int64)
    np.add.at(total_ns, group, duration_ns)
    calls = np.bincount(group, minlength=len(first))
    names = view.trace.texts(long_name[rows[first]])
    table: list[tuple[Cell, ...]] = [
        (name, int(count), int(total), int(total) / int(count), steps * int(total) / phase_ns)
        for name, count, total in zip(names, calls, total_ns, strict=True)
    ]
    table.sort(key=lambda row: (-int(row[2] or 0), str(row[0])))
    condition = sql.condition(view, rows)
    where = "" if condition == "1" else f"\nWHERE {condition}"
    query = (
        f"WITH {sql.phase_kernels(view)}\n"
        "SELECT long_name AS kernel, count(*) AS calls, sum(duration_ns) AS total_ns, avg(duration_ns) AS mean_ns,\n"
        f"  {steps}.0 * sum(duration_ns) / (SELECT sum(duration_ns) FROM kernels) AS {share}\n"
        f"FROM kernels AS k{where}\n"
        f"GROUP BY long_name ORDER BY total_ns DESC, long_name LIMIT {most_rows}"
    )
    return Evidence(title, columns, tuple(table[:most_rows]), query)


def _of_middle_step(view: PhaseView, rows: IntArray) -> tuple[IntArray, int]:
    """Those of some kernels that lie in the middle one of their steps, and that step's number."""
    step = view.step_of(rows)
    middle = int(np.unique(step)[len(np.unique(step)) // 2])
    return rows[step == middle], int(view.analysis.attribution.placement.steps.number[view.steps[middle]])


def follower_evidence(view: PhaseView, rows: IntArray, previous: IntArray, title: str) -> Evidence:
    """Kernels by their long names: calls, mean time, and the mean gap after the one ahead of them on their stream.

    Where no short condition tells these kernels, one step's are shown.

    Args:
        view: the phase.
        rows: which of its kernels.
        previous: the kernel that directly precedes each of them on its stream, in the same step.
        title: the table's title.
    """
    operations, long_name = view.trace.operations, view.trace.kernels.demangled
    if len(sql.condition(view, rows)) > LONGEST_CONDITION:
        of_step, number = _of_middle_step(view, rows)
        previous = previous[np.isin(rows, of_step)]
        rows, title = of_step, f"{title}, in step {number}"
    columns = ("kernel", "calls", "mean_ns", "mean_gap_ns")
    group, first = group_rows(long_name[rows])
    calls = np.bincount(group, minlength=len(first))
    gap_ns, total_ns = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    np.add.at(gap_ns, group, operations.start_ns[rows] - operations.end_ns[previous])
    np.add.at(total_ns, group, view.duration_ns(rows))
    names = view.trace.texts(long_name[rows[first]])
    table: list[tuple[Cell, ...]] = [
        (name, int(count), int(total) / int(count), int(gap) / int(count))
        for name, count, total, gap in zip(names, calls, total_ns, gap_ns, strict=True)
    ]
    table.sort(key=lambda row: (-int(row[1] or 0), str(row[0])))
    query = (
        f"WITH {sql.phase_kernels(view)},\nfollowing AS (\n"
        "  SELECT *, start - lag(end) OVER (PARTITION BY deviceId, streamId ORDER BY start) AS gap_ns FROM kernels\n)\n"
        "SELECT long_name AS kernel, count(*) AS calls, avg(duration_ns) AS mean_ns,\n"
        "  avg(gap_ns) AS mean_gap_ns\n"
        f"FROM following AS k WHERE {sql.condition(view, rows)}\n"
        f"GROUP BY long_name ORDER BY calls DESC, long_name LIMIT {MOST_ROWS}"
    )
    return Evidence(title, columns, tuple(table[:MOST_ROWS]), query)


def call_evidence(view: PhaseView, title: str, *kinds: CallKind) -> Evidence:
    """API calls of some kinds by name: how many, their time."""
    calls = view.trace.calls
    rows = view.calls_of(*kinds)
    group, first = group_rows(calls.name[rows])
    total_ns = np.zeros(len(first), np.int64)
    np.add.at(total_ns, group, calls.end_ns[rows] - calls.start_ns[rows])
    count = np.bincount(group, minlength=len(first))
    names = view.trace.texts(calls.name[rows[first]])
    table: list[tuple[Cell, ...]] = [
        (name, int(number), int(number) / view.step_count, int(total))
        for name, number, total in zip(names, count, total_ns, strict=True)
    ]
    table.sort(key=lambda row: (-int(row[3] or 0), str(row[0])))
    query = (
        f"WITH {sql.phase_calls(view, *kinds)}\n"
        f"SELECT call, count(*) AS calls, count(*) / {view.step_count}.0 AS calls_per_step,\n"
        "  sum(end - start) AS total_ns\n"
        "FROM counted GROUP BY call ORDER BY total_ns DESC, call"
    )
    return Evidence(title, ("call", "calls", "calls_per_step", "total_ns"), tuple(table), query)


def copy_evidence(view: PhaseView, rows: IntArray, title: str) -> Evidence:
    """Copies by kind, size and memory: how many, their time; of those the most frequent.

    Args:
        view: the phase.
        rows: which of its copies; all of its copies of the same kinds, sizes and memories must be among them.
        title: the table's title.
    """
    trace, copies = view.trace, view.trace.copies
    own = rows - trace.operation_rows(OperationKind.MEMCPY).start
    kinds, names = memop_kinds(trace)
    pageable = _is_pageable(copies.source_kind[own]) | _is_pageable(copies.destination_kind[own])
    group, first = group_rows(kinds[own], copies.bytes[own], pageable)
    total_ns = np.zeros(len(first), np.int64)
    np.add.at(total_ns, group, view.duration_ns(rows))
    count = np.bincount(group, minlength=len(first))
    table: list[tuple[Cell, ...]] = [
        (names[kinds[own[i]]], int(copies.bytes[own[i]]), int(pageable[i]), int(number), int(total))
        for i, number, total in zip(first.tolist(), count, total_ns, strict=True)
    ]
    table.sort(key=lambda row: (-int(row[3] or 0), str(row[0]), int(row[1] or 0)))
    shown = table[:MOST_ROWS]
    wanted = ", ".join(f"({sql.quoted(str(kind))}, {size}, {flag})" for kind, size, flag, *_ in shown)
    launches, condition = sql.of_phase(view, OperationKind.MEMCPY)
    query = (
        f"WITH {launches}copies AS (\n"
        f"  SELECT {sql.copy_kind_case('m.copyKind')} AS kind, m.bytes,\n"
        f"    coalesce(m.srcKind, -1) = {MEMORY_KIND_PAGEABLE} OR coalesce(m.dstKind, -1) = {MEMORY_KIND_PAGEABLE} "
        "AS pageable,\n"
        f"    m.end - m.start AS duration_ns\n  FROM {trace.info.tables['copies']} AS m\n"
        f"  WHERE {condition}\n)\n"
        "SELECT kind, bytes, pageable, count(*) AS calls, sum(duration_ns) AS total_ns FROM copies\n"
        f"WHERE (kind, bytes, pageable) IN (VALUES {wanted})\n"
        "GROUP BY kind, bytes, pageable ORDER BY calls DESC, kind, bytes"
    )
    return Evidence(title, ("kind", "bytes", "pageable", "calls", "total_ns"), tuple(shown), query)


def _is_pageable(kind: IntArray) -> IntArray:
    flags: IntArray = (kind == MEMORY_KIND_PAGEABLE).astype(np.int64)
    return flags


def memset_evidence(view: PhaseView, title: str) -> Evidence:
    """Memsets by size: how many, their time; of those the most frequent."""
    trace = view.trace
    rows = view.memsets
    sizes = trace.memsets.bytes[rows - trace.operation_rows(OperationKind.MEMSET).start]
    group, first = group_rows(sizes)
    total_ns = np.zeros(len(first), np.int64)
    np.add.at(total_ns, group, view.duration_ns(rows))
    count = np.bincount(group, minlength=len(first))
    table: list[tuple[Cell, ...]] = [
        (int(sizes[i]), int(number), int(total)) for i, number, total in zip(first, count, total_ns, strict=True)
    ]
    table.sort(key=lambda row: (-int(row[1] or 0), int(row[0] or 0)))
    launches, condition = sql.of_phase(view, OperationKind.MEMSET)
    query = (
        f"WITH {launches}memsets AS (\n"
        f"  SELECT bytes, end - start AS duration_ns FROM {trace.info.tables['memsets']}\n  WHERE {condition}\n)\n"
        "SELECT bytes, count(*) AS calls, sum(duration_ns) AS total_ns FROM memsets\n"
        f"GROUP BY bytes ORDER BY calls DESC, bytes LIMIT {MOST_ROWS}"
    )
    return Evidence(title, ("bytes", "calls", "total_ns"), tuple(table[:MOST_ROWS]), query)


def step_evidence(view: PhaseView, steps: IntArray, title: str) -> Evidence:
    """Some steps: wall, busy and idle time, and the part of it that ended with an operation launched late.

    An operation is launched late when its launch was called after the GPU had become idle.

    Args:
        view: the phase.
        steps: positions among the phase's steps.
        title: the table's title.
    """
    placement, costs = view.analysis.attribution.placement, view.analysis.step_costs
    late_ns = view.late_launch_ns()
    table: list[tuple[Cell, ...]] = []
    windows = []
    for step in steps.tolist():
        row = view.steps[step]
        number, begin_ns, end_ns = (
            int(column[row]) for column in (placement.steps.number, placement.steps.begin_ns, placement.steps.end_ns)
        )
        busy_ns = int(costs.busy_ns[row])
        table.append((number, end_ns - begin_ns, busy_ns, end_ns - begin_ns - busy_ns, int(late_ns[step])))
        windows.append(f"({number}, {begin_ns}, {end_ns})")
    query = (
        f"WITH steps(step, begin_ns, end_ns) AS (VALUES {', '.join(windows)}),\n{sql.process_operations(view)},\n"
        "waits AS (\n"
        "  SELECT step, begin_ns, end_ns, start, min(end, end_ns) AS end, called,\n"
        "    max(begin_ns, coalesce(max(end) OVER (PARTITION BY step ORDER BY start, end DESC\n"
        "      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS reach\n"
        "  FROM steps JOIN operations ON start <= end_ns AND end > begin_ns\n"
        "), sums AS (\n"
        "  SELECT step, end_ns - begin_ns AS wall_ns, sum(max(0, end - max(start, reach))) AS busy_ns,\n"
        "    sum(CASE WHEN called > reach THEN max(0, start - reach) ELSE 0 END) AS late_ns\n"
        "  FROM waits GROUP BY step\n"
        ")\n"
        "SELECT step, wall_ns, busy_ns, wall_ns - busy_ns AS idle_ns, late_ns FROM sums ORDER BY step"
    )
    return Evidence(title, ("step", "wall_ns", "busy_ns", "idle_ns", "late_ns"), tuple(sorted(table)), query)
