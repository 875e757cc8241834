"""The SQL that reproduces evidence on the export itself.

A phase is known to SQL by the stretches of time in which its launches were called, thread by thread: its
operations are those whose launch, found by correlation id and process, lies in one of them. Where launches do not
tell, because the capture lacks some or one has operations in several phases, the stretches are those in which the
operations themselves began.
"""

from collections.abc import Sequence

import numpy as np

from workbench.analysis.calls import CallKind, call_kind, is_kind
from workbench.findings.view import PhaseView
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind
from workbench.trace.schema import COPY_KINDS

# More stretches than this are listed as a table: SQLite takes no more than a thousand alternatives.
MOST_ALTERNATIVES = 8


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(values: Sequence[str] | Sequence[int]) -> str:
    """Values for `IN (...)`."""
    return ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in values)


def of_phase(view: PhaseView, kind: OperationKind) -> tuple[str, str]:
    """Tells the phase's operations of a kind from all others in their table.

    Returns:
        A common table expression, with the comma that parts it from the next, or nothing; and a condition on the
        table's rows.
    """
    launch, operations = view.analysis.attribution.sites.launch, view.trace.operations
    table = view.trace.operation_rows(kind)
    inside = np.zeros(len(operations), np.bool_)
    inside[view.operations] = True
    inside, has_launch = inside[table], launch[table] != NONE
    wanted = np.zeros(len(view.trace.calls), np.bool_)
    wanted[launch[table][inside & has_launch]] = True
    if not has_launch[inside].all() or wanted[launch[table][~inside & has_launch]].any():
        own = operations.process[table] == view.process
        stretches = _stretches(operations.start_ns[table][own], inside[own])
        return "", f"globalPid = {view.trace.processes[view.process]} AND {stretches}"
    known = np.zeros(len(view.trace.calls), np.bool_)
    known[launch[launch != NONE]] = True
    expression = _calls_expression(view, "launches", np.flatnonzero(known), wanted)
    return f"{expression},\n", "(correlationId, globalPid) IN (SELECT correlationId, globalPid FROM launches)"


def phase_calls(view: PhaseView, *kinds: CallKind) -> str:
    """Common table expressions that end with `counted`: the phase's API calls of some kinds, by name.

    A call that another of its kind makes is not counted.
    """
    wanted = np.zeros(len(view.trace.calls), np.bool_)
    wanted[view.calls_of(*kinds)] = True
    calls = _calls_expression(view, "calls", np.flatnonzero(is_kind(view.analysis.call_kinds, *kinds)), wanted)
    by_kind = {kind: _names_of(view, kind) for kind in kinds}
    cases = " ".join(f"WHEN s.value IN ({listed(names)}) THEN {kind:d}" for kind, names in by_kind.items() if names)
    return (
        f"{calls},\nnamed AS (\n"
        "  SELECT s.value AS call, c.start, c.end, max(c.end) OVER (\n"
        f"    PARTITION BY globalTid, CASE {cases} END\n"
        "    ORDER BY c.start, c.end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach\n"
        "  FROM calls AS c JOIN StringIds AS s ON s.id = c.nameId\n"
        f"  WHERE s.value IN ({listed(sorted(name for names in by_kind.values() for name in names))})\n"
        "), counted AS (\n"
        "  SELECT call, start, end FROM named WHERE reach IS NULL OR end > reach\n"
        ")"
    )


def _names_of(view: PhaseView, kind: CallKind) -> list[str]:
    """The names of all the capture's calls of a kind, whether they count or not."""
    names = view.trace.texts(np.unique(view.trace.calls.name))
    return sorted(name for name in names if call_kind(name) is kind)


def _calls_expression(view: PhaseView, name: str, rows: IntArray, wanted: BoolArray) -> str:
    table = view.trace.info.tables["calls"]
    return (
        f"{name} AS (\n"
        "  SELECT correlationId, globalTid, globalTid & ~16777215 AS globalPid, nameId, start, end\n"
        f"  FROM {table}\n"
        f"  WHERE {_windows(view, rows, wanted)}\n"
        ")"
    )


def _windows(view: PhaseView, rows: IntArray, wanted: BoolArray) -> str:
    """A condition that holds for the wanted ones among some calls: their thread, and stretches of unbroken time."""
    calls = view.trace.calls
    conditions = []
    for thread in np.unique(calls.thread[rows][wanted[rows]]).tolist():
        of_thread = rows[calls.thread[rows] == thread]
        times = _stretches(calls.start_ns[of_thread], wanted[of_thread])
        conditions.append(f"globalTid = {view.trace.threads[thread]} AND {times}")
    return "\n    OR ".join(conditions) if conditions else "0"


def _stretches(start_ns: IntArray, inside: BoolArray) -> str:
    """A condition on `start` that holds in the unbroken stretches of what is inside, among things sorted by start."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    bounds = list(zip(start_ns[edges[::2]].tolist(), start_ns[edges[1::2] - 1].tolist(), strict=True))
    if len(bounds) > MOST_ALTERNATIVES:
        values = ", ".join(map(str, bounds))
        return f"EXISTS (SELECT 1 FROM (VALUES {values}) WHERE start BETWEEN column1 AND column2)"
    stretches = [f"start BETWEEN {first} AND {last}" for first, last in bounds]
    return stretches[0] if len(stretches) == 1 else "(" + "\n    OR ".join(stretches) + ")"


def phase_kernels(view: PhaseView) -> str:
    """Common table expressions that end with `kernels`, the phase's kernels by name."""
    launches, is_of_phase = of_phase(view, OperationKind.KERNEL)
    node = ", k.graphNodeId" if (view.trace.operations.graph_node[view.kernels] != NONE).any() else ""
    operations, details = view.trace.operations, view.trace.kernels
    # What ends before it begins was read as of no length, and a name that the export lacks as empty.
    has_empty = bool((operations.end_ns[view.kernels] == operations.start_ns[view.kernels]).any())
    end = "max(k.start, k.end)" if has_empty else "k.end"
    is_unnamed = bool((np.minimum(operations.name[view.kernels], details.demangled[view.kernels]) == NONE).any())
    names, join = ("coalesce(s.value, '')", "coalesce(d.value, '')"), "LEFT JOIN"
    if not is_unnamed:
        names, join = ("s.value", "d.value"), "JOIN"
    return (
        f"{launches}kernels AS (\n"
        f"  SELECT {names[0]} AS kernel, {names[1]} AS long_name, k.start, {end}{' AS end' if has_empty else ''}, "
        f"{end} - k.start AS duration_ns,\n"
        f"    k.deviceId, k.streamId, k.gridX, k.gridY, k.gridZ, correlationId{node}\n"
        f"  FROM {view.trace.info.tables['kernels']} AS k\n"
        f"  {join} StringIds AS s ON s.id = k.shortName\n"
        f"  {join} StringIds AS d ON d.id = k.demangledName\n"
        f"  WHERE {is_of_phase}\n)"
    )


def condition(view: PhaseView, rows: IntArray) -> str:
    """A condition on rows `k` of the expression `kernels` that holds for exactly these rows.

    The most telling exact one is taken: short names, long names, names with grids, graph nodes and correlation
    ids, the times at which they began, and at last those times with their streams.
    """
    trace, kernels = view.trace, view.kernels
    operations, details = trace.operations, trace.kernels
    chosen = np.isin(kernels, rows)
    if chosen.all():
        return "1"
    if _is_exact(chosen, operations.name[kernels]):
        return f"k.kernel IN ({listed(sorted(set(trace.texts(np.unique(operations.name[rows])))))})"
    if _is_exact(chosen, details.demangled[kernels]):
        return f"k.long_name IN ({listed(sorted(set(trace.texts(np.unique(details.demangled[rows])))))})"
    shapes = [details.demangled, details.grid_x, details.grid_y, details.grid_z]
    if _is_exact(chosen, *(column[kernels] for column in shapes)):
        distinct = sorted(set(zip(*(column[rows].tolist() for column in shapes), strict=True)))
        values = ", ".join(f"({quoted(trace.text(name))}, {x}, {y}, {z})" for name, x, y, z in distinct)
        return f"(k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES {values})"
    node, correlation = operations.graph_node[kernels], operations.correlation[kernels]
    if _is_exact(chosen, node, np.where(node == NONE, correlation, NONE)):
        nodes = np.unique(node[chosen & (node != NONE)]).tolist()
        launches = np.unique(correlation[chosen & (node == NONE)]).tolist()
        parts = [f"k.graphNodeId IN ({listed(nodes)})"] if nodes else []
        eager = "k.graphNodeId IS NULL AND " if (node != NONE).any() else ""
        parts += [f"{eager}k.correlationId IN ({listed(launches)})"] if launches else []
        return " OR ".join(parts)
    if _is_exact(chosen, operations.start_ns[kernels]):
        return f"k.start IN ({listed(np.unique(operations.start_ns[rows]).tolist())})"
    places = np.stack([operations.start_ns, operations.end_ns, operations.device, operations.stream], axis=1)
    values = ", ".join(f"({', '.join(map(str, place))})" for place in places[rows].tolist())
    return f"(k.start, k.end, k.deviceId, k.streamId) IN (VALUES {values})"


def _is_exact(chosen: BoolArray, *columns: IntArray) -> bool:
    """Whether the values that the chosen kernels have in some columns are shared by no other kernel."""
    group, first = group_rows(*columns)
    in_chosen = np.zeros(len(first), np.bool_)
    in_chosen[group[chosen]] = True
    return not bool(in_chosen[group[~chosen]].any())


def process_operations(view: PhaseView) -> str:
    """A common table expression `operations` of all the process's operations, and when each one's launch was called.

    Its column `what` is a kernel's short name, or `memcpy`, `memset` or `graph`.
    """
    tables = view.trace.info.tables
    names = {"kernels": "shortName", "copies": "'memcpy'", "memsets": "'memset'", "graphs": "'graph'"}
    parts = "\n    UNION ALL ".join(
        f"SELECT start, end, correlationId, globalPid, {what} AS what FROM {tables[name]}"
        for name, what in names.items()
        if name in tables
    )
    return (
        "operations AS (\n  SELECT o.start, o.end, c.start AS called, coalesce(s.value, o.what) AS what FROM (\n"
        f"    {parts}\n  ) AS o\n"
        f"  LEFT JOIN {tables['calls']} AS c\n"
        "    ON c.correlationId = o.correlationId AND c.globalTid & ~16777215 = o.globalPid\n"
        "  LEFT JOIN StringIds AS s ON s.id = o.what\n"
        f"  WHERE o.globalPid = {view.trace.processes[view.process]}\n)"
    )


def copy_kind_case(column: str) -> str:
    """An expression that gives our name for a copy kind."""
    cases = " ".join(f"WHEN {kind} THEN 'memcpy_{name}'" for kind, name in COPY_KINDS.items())
    return f"CASE {column} {cases} END"
