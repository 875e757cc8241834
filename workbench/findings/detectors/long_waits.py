"""Long waits before particular kernels: something on the host holds a launch back."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings import sql
from workbench.findings.detectors import in_each_phase
from workbench.findings.finding import Detection, Effort, Evidence, Finding
from workbench.findings.gain import gain, mean_gain
from workbench.findings.selection import long_waits, operation_labels
from workbench.findings.target import Target
from workbench.findings.view import FEWEST_STEADY_STEPS, PhaseView
from workbench.trace.columns import IntArray

# Shares of the phase's time below this are not worth a search.
LEAST_SHARE = 0.05
MOST_SHOWN = 8
# The query lists the waits it is about: so many at most.
MOST_LISTED = 300


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
    labels = operation_labels(view, gaps.next_operation[found])
    totals = {label: int(waited_ns[[other == label for other in labels]].sum()) for label in labels}
    heaviest = max(totals, key=lambda label: (totals[label], label))
    basis = "these waits, as a whole at the high end"
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase} stalls {'in most steps' if recurs else 'now and then'}: {len(found)} long waits, most of "
        f"their time before {heaviest}, take {waited_ns.sum() / view.wall_ns.sum():.0%} of it.",
        evidence=(_evidence(view, found),),
        hypothesis="Before these launches the host does something long: it loads or compiles a kernel, lets a library "
        "plan for a new shape, allocates, or runs other code.",
        remedy="Look at the host's calls and ranges in these waits; plan and load before the first step, and keep "
        "shapes fixed.",
        gain=gain(view, by_step * 0, by_step, basis) if recurs else mean_gain(view, 0, int(waited_ns.sum()), basis),
        effort=Effort.MEDIUM,
        risk="None for the results.",
        target=Target("step", "stalls", "<=", 0, view.phase),
    )


def _evidence(view: PhaseView, gaps: IntArray) -> Evidence:
    table = view.analysis.gaps
    lengths_ns = table.end_ns[gaps] - table.begin_ns[gaps]
    gaps = gaps[np.argsort(-lengths_ns, kind="stable")][:MOST_LISTED]
    waited_ns = table.end_ns[gaps] - table.begin_ns[gaps]
    labels = operation_labels(view, table.next_operation[gaps])
    rows = []
    for label in sorted(set(labels)):
        of_label = waited_ns[[other == label for other in labels]]
        rows.append((label, len(of_label), int(of_label.sum()), int(of_label.max())))
    rows.sort(key=lambda row: (-row[2], row[0]))
    query = (
        f"WITH {sql.process_operations(view)},\nwaits AS (\n"
        "  SELECT start, what, start - max(end) OVER (ORDER BY start, end DESC\n"
        "    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS waited_ns FROM operations\n)\n"
        "SELECT what AS before, count(*) AS waits, sum(waited_ns) AS waited_ns, max(waited_ns) AS longest_ns\n"
        f"FROM waits WHERE waited_ns > 0 AND start IN ({sql.listed(sorted(table.end_ns[gaps].tolist()))})\n"
        f"GROUP BY what ORDER BY 3 DESC, what LIMIT {MOST_SHOWN}"
    )
    title = f"The longest waits ({len(gaps)} of {len(lengths_ns)})" if len(gaps) < len(lengths_ns) else "The waits"
    return Evidence(title, ("before", "waits", "waited_ns", "longest_ns"), tuple(rows[:MOST_SHOWN]), query)
