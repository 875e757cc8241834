"""Drops the strings of an export that its trace has no use for.

nsys keeps what it knows of a program among an export's strings, its whole environment in one of them. None of that
is to outlive the reading, in memory or in the cache.
"""

from dataclasses import replace

import numpy as np

from workbench.trace.model import Trace

# Columns whose values are positions among the trace's strings.
_COLUMNS = {
    "operations": ("name",),
    "kernels": ("demangled",),
    "calls": ("name",),
    "ranges": ("domain", "category", "name"),
}


def without_unused_strings(trace: Trace) -> Trace:
    """The trace with every string empty that no column refers to; positions stay as they are."""
    used: set[int] = set()
    for table, columns in _COLUMNS.items():
        for column in columns:
            used.update(np.unique(getattr(getattr(trace, table), column)).tolist())
    return replace(trace, strings=tuple(text if at in used else "" for at, text in enumerate(trace.strings)))
