"""Long waits before particular kernels: something on the host holds a launch back."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import plain_name
from workbench.analysis.intervals import Timeline
from workbench.findings import sql
from workbench.findings.detectors import in_each_phase
from workbench.findings.finding import Detection, Effort, Evidence, Finding
from workbench.findings.gain import gain, mean_gain
from workbench.findings.names import counted
from workbench.findings.selection import long_waits, operation_labels
from workbench.findings.target import Target
from workbench.findings.view import FEWEST_STEADY_STEPS, PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows

# Shares of the phase's time below this are not worth a search.
LEAST_SHARE = 0.05
MOST_SHOWN = 8
# The query lists the waits it is about: so many at most.
MOST_LISTED = 300
# Calls that began longer before a wait are not looked for.
LONGEST_CALL_NS = 10**10


def detect(analysis: Analysis) -> Detection:
    """Looks for waits of 0.2 ms and 20 times the median wait that together take 5 % of a phase."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    gaps = view.analysis.gaps
    found = long_waits(view)
    waited_ns = gaps.end_ns[found] - gaps.begin_ns[found]
    if waited_ns.sum() < max(1, LEAST_SHARE * view.wall_ns.sum()):
        return
    step = np.searchsorted(view.steps, view.analysis.gap_steps[found])
    by_step = np.bincount(step, waited_ns, view.step_count)
    recurs = view.step_count >= FEWEST_STEADY_STEPS and np.median(by_step) > 0
    totals = {label: int(part.sum()) for label, part in _by_label(view, found).items()}
    heaviest = max(totals, key=lambda label: (totals[label], label))
    basis = "these waits, as a whole at the high end"
    often = "in most steps" if recurs else "now and then"
    during, host = _host_evidence(view, found)
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} stalls {often}: {counted(len(found), 'long wait')}, "
        f"{waited_ns.sum() / view.wall_ns.sum():.0%} of the phase; {totals[heaviest] / waited_ns.sum():.0%} of that "
        f"before {heaviest}.",
        evidence=(_evidence(view, found), *([during] if during.rows else [])),
        hypothesis=f"Meanwhile the host is {host}.",
        remedy="Find what holds the launch back; plan, load and allocate before the first step, and keep shapes fixed.",
        gain=gain(view, by_step * 0, by_step, basis) if recurs else mean_gain(view, 0, int(waited_ns.sum()), basis),
        effort=Effort.MEDIUM,
        risk="None for the results.",
        target=Target("step", "stalls", "<=", 0, view.phase),
    )


def _by_label(view: PhaseView, gaps: IntArray) -> dict[str, IntArray]:
    """How long each of some gaps lasts, by what the operation is that ends it."""
    table, operations = view.analysis.gaps, view.trace.operations
    following = table.next_operation[gaps]
    group, first = group_rows(operations.kind[following], operations.name[following])
    labels = operation_labels(view, following[first])
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    of_gap = np.array([numbers[label] for label in labels])[group]
    waited_ns = (table.end_ns[gaps] - table.begin_ns[gaps])[np.argsort(of_gap, kind="stable")]
    parts = np.split(waited_ns, np.cumsum(np.bincount(of_gap))[:-1])
    return dict(zip(numbers, parts, strict=True))


def _longest(view: PhaseView, gaps: IntArray) -> IntArray:
    table = view.analysis.gaps
    order = np.argsort(table.begin_ns[gaps] - table.end_ns[gaps], kind="stable")
    longest: IntArray = gaps[order][:MOST_LISTED]
    return longest


def _evidence(view: PhaseView, gaps: IntArray) -> Evidence:
    table = view.analysis.gaps
    found = len(gaps)
    gaps = _longest(view, gaps)
    rows = [(label, len(part), int(part.sum()), int(part.max())) for label, part in _by_label(view, gaps).items()]
    rows.sort(key=lambda row: (-row[2], row[0]))
    query = (
        f"WITH {sql.process_operations(view)},\nwaits AS (\n"
        "  SELECT start, what, start - max(end) OVER (ORDER BY start, end DESC\n"
        "    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS waited_ns FROM operations\n)\n"
        "SELECT what AS before, count(*) AS waits, sum(waited_ns) AS waited_ns, max(waited_ns) AS longest_ns\n"
        f"FROM waits WHERE waited_ns > 0 AND start IN ({sql.listed(sorted(table.end_ns[gaps].tolist()))})\n"
        f"GROUP BY what ORDER BY 3 DESC, what LIMIT {MOST_SHOWN}"
    )
    title = f"The longest waits ({len(gaps)} of {found})" if len(gaps) < found else "The waits"
    return Evidence(title, ("before", "waits", "waited_ns", "longest_ns"), tuple(rows[:MOST_SHOWN]), query)


def _host_evidence(view: PhaseView, gaps: IntArray) -> tuple[Evidence, str]:
    """What the launching threads did during the waits, as a table and in words."""
    table, calls = view.analysis.gaps, view.trace.calls
    gaps = _longest(view, gaps)
    launch = view.analysis.attribution.sites.launch[table.next_operation[gaps]]
    windows = [
        (int(view.trace.threads[thread]), begin_ns, end_ns)
        for thread, begin_ns, end_ns in zip(
            calls.thread[launch].tolist(), table.begin_ns[gaps].tolist(), table.end_ns[gaps].tolist(), strict=True
        )
    ]
    within: dict[str, list[int]] = {}
    outside_ns = 0
    for number, (_, begin_ns, end_ns) in enumerate(windows):
        first, last = np.searchsorted(calls.start_ns, [begin_ns - LONGEST_CALL_NS, end_ns]).tolist()
        rows = np.arange(first, last)
        rows = rows[(calls.thread[rows] == calls.thread[launch[number]]) & (calls.end_ns[rows] > begin_ns)]
        start, end = np.maximum(calls.start_ns[rows], begin_ns), np.minimum(calls.end_ns[rows], end_ns)
        for name, time_ns in zip(view.trace.texts(calls.name[rows]), (end - start).tolist(), strict=True):
            within.setdefault(name, []).append(time_ns)
        outside_ns += end_ns - begin_ns - Timeline.union(start, end).total_ns
    calls_made = [(name, len(times), sum(times)) for name, times in within.items()]
    calls_made.sort(key=lambda row: (-row[2], row[0]))
    values = ", ".join(str(window) for window in windows)
    query = (
        f"WITH waits(globalTid, begin_ns, end_ns) AS (VALUES {values})\n"
        "SELECT s.value AS call, count(*) AS calls, sum(min(c.end, end_ns) - max(c.start, begin_ns)) AS time_ns\n"
        f"FROM waits JOIN {view.trace.info.tables['calls']} AS c USING (globalTid)\n"
        "JOIN StringIds AS s ON s.id = c.nameId\n"
        "WHERE c.start < end_ns AND c.end > begin_ns\n"
        f"GROUP BY call ORDER BY time_ns DESC, call LIMIT {MOST_SHOWN}"
    )
    total_ns = sum(end_ns - begin_ns for _, begin_ns, end_ns in windows)
    columns = ("call", "calls", "time_ns")
    evidence = Evidence("CUDA calls of the host meanwhile", columns, tuple(calls_made[:MOST_SHOWN]), query)
    if not calls_made or outside_ns > total_ns // 2:
        return evidence, f"outside CUDA calls for {outside_ns / total_ns:.0%} of the time: in the program or a library"
    return evidence, f"in {plain_name(calls_made[0][0])} for {calls_made[0][2] / total_ns:.0%} of the time"
