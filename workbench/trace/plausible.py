"""Holds tables to what can have been recorded: no time runs backwards, no sum overflows, no size is negative."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.errors import UserError
from workbench.trace.bulk import SourceTable, TableData
from workbench.trace.columns import IntArray
from workbench.trace.schema import COPY_KIND_UNKNOWN

# Half of what an integer holds, so that differences of times, and sums of what stays below, are integers too.
MOST_NS = 2**62
_TIMED = {"kernels": "operations", "copies": "operations", "memsets": "operations", "graphs": "operations"}
_TIMED |= {"calls": "API calls"}


def plausible(
    data: dict[str, TableData], sources: Sequence[SourceTable], file_name: str
) -> tuple[dict[str, TableData], tuple[str, ...]]:
    """The tables without values that cannot be, and one sentence per kind of row that was changed.

    Args:
        data: the tables of `trace.schema`, by their names.
        sources: what the export calls those that it has.
        file_name: what the user calls the export.

    Raises:
        UserError: times or sizes are so large that their sums would overflow.
    """
    checked = dict(data)
    backwards: dict[str, int] = {}
    spelled = {source.schema.name: source.name for source in sources}
    for name in spelled:
        integers = dict(data[name].integers)
        if name in _TIMED:
            kind, count = _TIMED[name], int(np.count_nonzero(integers["end_ns"] < integers["start_ns"]))
            if count:
                backwards[kind] = backwards.get(kind, 0) + count
                integers["end_ns"] = np.maximum(integers["end_ns"], integers["start_ns"])
        if "bytes" in integers:
            integers["bytes"] = np.maximum(integers["bytes"], 0)
        if "copy_kind" in integers:
            integers["copy_kind"] = np.where(integers["copy_kind"] < 0, COPY_KIND_UNKNOWN, integers["copy_kind"])
        if _overflows(integers):
            raise UserError(
                f"{file_name}: table {spelled[name]} holds times or sizes that no program can have had, of 2^62 or "
                "more in all; the file is damaged, so export it again"
            )
        checked[name] = replace(data[name], integers=integers)
    warnings = [
        f"{file_name}: {count} {kind} end before they begin; they count as zero ns."
        if count > 1
        else f"{file_name}: 1 of the {kind} ends before it begins; it counts as zero ns."
        for kind, count in backwards.items()
    ]
    return checked, tuple(warnings)


def _overflows(integers: dict[str, IntArray]) -> bool:
    times = [integers[name] for name in ("start_ns", "end_ns", "time_ns") if name in integers]
    if any(len(column) and not -MOST_NS < column.min() <= column.max() < MOST_NS for column in times):
        return True
    # The ends of NVTX ranges may be missing, and ranges lie within each other: nothing sums them.
    sums = [integers["bytes"]] if "bytes" in integers else []
    if len(times) == 2 and "event_type" not in integers:
        sums.append(times[1] - times[0])
    return any(float(column.sum(dtype=np.float64)) >= MOST_NS for column in sums)
