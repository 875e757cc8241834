"""Kernels that run long on a part of the GPU only."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings import sql
from workbench.findings.chains import own_ns
from workbench.findings.detectors import in_each_phase
from workbench.findings.finding import Detection, Effort, Evidence, Finding
from workbench.findings.gain import gain_of_shortening
from workbench.findings.names import counted
from workbench.findings.selection import blocks_of, exact_name, kernels_named, readable_name
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows

LONG_NS = 10_000
# A grid that fills more of the GPU than this has little to gain.
FILLED = 0.75
LEAST_SHARE = 0.01
# What better use of the GPU should save of their time, at least.
SAVED = 0.3
MOST_KERNELS = 3


def detect(analysis: Analysis) -> Detection:
    """Looks for kernels of at least 10 µs whose blocks reach at most three quarters of the multiprocessors."""
    if not any(device.sm_count for device in analysis.trace.devices):
        return Detection(lacking="the capture does not say how many multiprocessors the GPU has")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    trace, rows = view.trace, view.kernels
    sm_count = {device.id: device.sm_count for device in trace.devices}
    device, first_of_device = group_rows(trace.operations.device[rows])
    sms = [sm_count.get(int(trace.operations.device[rows[row]]), 0) for row in first_of_device]
    device_sms = np.array(sms, np.int64)[device]
    blocks = blocks_of(view, rows)
    duration_ns = view.duration_ns(rows)
    rows = rows[(blocks > 0) & (blocks <= FILLED * device_sms) & (duration_ns >= LONG_NS)]
    group, first = group_rows(trace.kernels.demangled[rows])
    total_ns = np.bincount(group, view.duration_ns(rows), len(first))
    for number in np.argsort(-total_ns, kind="stable")[:MOST_KERNELS].tolist():
        # What waits for the one ahead most of its time is not slow itself.
        is_long = np.median(own_ns(view, rows[group == number])) >= LONG_NS
        if is_long and total_ns[number] >= LEAST_SHARE * duration_ns.sum():
            finding = _finding(view, rows[group == number], int(device_sms.max()))
            if finding.gain and finding.gain.high_ns:
                yield finding


def _finding(view: PhaseView, rows: IntArray, sm_count: int) -> Finding:
    name, readable = exact_name(view, int(rows[0])), readable_name(view, int(rows[0]))
    blocks = int(np.median(blocks_of(view, rows)))
    # The kernel may also run on larger grids, or briefly; what is asked for must come off these rows.
    most_ns = view.median_of_step_ns(kernels_named(view, name)) - SAVED * view.median_of_step_ns(rows)
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{readable} runs {np.median(view.duration_ns(rows)) / 1000:.0f} µs on {counted(blocks, 'block')}, "
        f"though the GPU has {sm_count} multiprocessors.",
        evidence=(_evidence(view, rows, readable),),
        hypothesis="The work is cut along one dimension that is small here (rows, heads, a batch of one), so most "
        "multiprocessors have nothing to do.",
        remedy="Cut it along another dimension as well (split-K, split-KV, several blocks a row) and combine.",
        gain=gain_of_shortening(view, rows, 1 - blocks / sm_count, "as if all multiprocessors shared their work"),
        effort=Effort.MEDIUM,
        risk="Combining costs another pass, and changes the order in which sums are rounded.",
        target=Target("kernel", "ns_per_step", "<=", int(most_ns), view.phase, (name,)),
    )


def _evidence(view: PhaseView, rows: IntArray, readable: str) -> Evidence:
    long_name = view.trace.text(view.trace.kernels.demangled[rows[0]])
    blocks = blocks_of(view, rows)
    group, first = group_rows(blocks)
    total_ns = np.zeros(len(first), np.int64)
    np.add.at(total_ns, group, view.duration_ns(rows))
    grids: list[int] = blocks[first].tolist()
    query = (
        f"WITH {sql.phase_kernels(view)}\n"
        "SELECT gridX * gridY * gridZ AS blocks, count(*) AS calls, sum(duration_ns) AS total_ns FROM kernels\n"
        f"WHERE long_name = {sql.quoted(long_name)} AND duration_ns >= {LONG_NS}\n"
        f"  AND gridX * gridY * gridZ IN ({sql.listed(grids)})\n"
        "GROUP BY blocks ORDER BY blocks"
    )
    table = tuple(zip(grids, np.bincount(group).tolist(), total_ns.tolist(), strict=True))
    return Evidence(f"{readable} by grid", ("blocks", "calls", "total_ns"), table, query)
