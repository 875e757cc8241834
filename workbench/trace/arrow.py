"""Integer columns between Arrow and NumPy, in the same memory.

Arrow's own conversions would do, but import pandas wherever that is installed, which takes longer than opening a
capture from the cache.
"""

import numpy as np
import pyarrow as pa

from workbench.trace.columns import IntArray


def to_numpy(array: pa.Array) -> IntArray:
    """An array of integers without nulls, read-only."""
    dtype = array.type.to_pandas_dtype()
    if not len(array):
        return np.empty(0, dtype)
    values: IntArray = np.frombuffer(array.buffers()[1], dtype)
    return values[array.offset : array.offset + len(array)]


def from_numpy(values: IntArray) -> pa.Array:
    """An array of integers; one whose elements do not lie side by side is copied."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])
