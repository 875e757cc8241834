"""Turns tables of sums, as `nsys stats` writes them, into what a comparison needs."""

from collections.abc import Sequence

from workbench.analysis.calls import plain_name
from workbench.compare.measurement import CaptureMeasurement, Kernel, Total, add
from workbench.findings.names import short_of
from workbench.trace.stats_csv import NamedTotal, StatsTables


def measure_tables(tables: StatsTables) -> CaptureMeasurement:
    """The sums of one capture; it has no phases, for nothing tells times."""
    kernels = _totals(tables.kernels)
    calls = _totals(tables.calls)
    return CaptureMeasurement(
        name=tables.name,
        phases=(),
        kernels=None if kernels is None else {Kernel(name, short_of(name)): total for name, total in kernels.items()},
        calls=None if calls is None else _by_plain_name(calls),
        memops=_totals(tables.memory),
        rounded_to_ns=tables.rounded_to_ns,
        passed_over=tables.passed_over,
    )


def _totals(rows: Sequence[NamedTotal] | None) -> dict[str, Total] | None:
    return None if rows is None else {row.name: Total(row.count, row.total_ns) for row in rows}


def _by_plain_name(calls: dict[str, Total]) -> dict[str, Total]:
    """Calls by their names without versions, as they are called in captures."""
    found: dict[str, Total] = {}
    for name, total in calls.items():
        plain = plain_name(name)
        found[plain] = add(found[plain], total) if plain in found else total
    return found
