"""Where a kernel writes rows that a product will read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.backends.cuda.forms import SINGLE, Form, rows_form, vector_form
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.launches import round_launch
from engine.backends.cuda.memory import DeviceMemory
from engine.formats import WeightFormat
from engine.formats.bf16 import from_bits
from engine.formats.format import FloatArray
from engine.formats.q8_0 import spread
from engine.memory import Use
from engine.operations import Input


@dataclass(frozen=True)
class Target:
    """Rows in device memory: their form, where they are, and where their scales are (0 if they have none)."""

    form: Form
    values: int
    scales: int


class Targets:
    """Makes inputs of products, and says where to write them.

    An input has room for one row in its vector form and, if it can hold more than one, for all of them in the form that
    a product of many rows reads.
    """

    def __init__(self, gpu: Gpu, memory: DeviceMemory, *, separate_cast: bool) -> None:
        self._gpu = gpu
        self._memory = memory
        self._separate_cast = separate_cast
        self._scratch: Any = None

    def make(self, capacity: int, columns: int, format_: WeightFormat) -> Input:
        """A new input."""
        vector, rows = vector_form(format_), rows_form(format_)
        buffers = {"vector": self._zeros((1, columns), vector.dtype)}
        if vector.block:
            buffers["scales"] = self._zeros((1, columns // vector.block), np.float32)
        if capacity > 1:
            buffers["rows"] = self._zeros((capacity, columns), rows.dtype)
        return Input(format_, columns, buffers)

    def reserve(self, tokens: int, columns: int) -> None:
        """Makes room for what is cast, by a variant."""
        if self._separate_cast:
            self._scratch = self._zeros((tokens, columns), np.float32)

    def place(self, out: Input, tokens: int) -> Target:
        """Where so many rows of an input lie."""
        if tokens == 1:
            scales = out.buffers.get("scales")
            address = 0 if scales is None else scales.data.ptr
            return Target(vector_form(out.format), out.buffers["vector"].data.ptr, address)
        return Target(rows_form(out.format), out.buffers["rows"].data.ptr, 0)

    @contextmanager
    def writing(self, out: Input, tokens: int) -> Iterator[Target]:
        """Where a kernel writes so many rows: the input itself, or, by a variant, what is cast to it after."""
        target = self.place(out, tokens)
        if not self._separate_cast or target.form is SINGLE:
            yield target
            return
        scratch = self._scratch.data.ptr
        yield Target(SINGLE, scratch, 0)
        count = tokens * out.columns
        launch = round_launch(count, target.form)
        self._gpu.launch(launch, scratch, target.values, target.scales, np.int32(count))

    def read(self, out: Input, rows: int) -> FloatArray:
        """The numbers that so many rows of an input stand for."""
        form = vector_form(out.format) if rows == 1 else rows_form(out.format)
        values = self._memory.read(out.buffers["vector" if rows == 1 else "rows"])[:rows]
        if form.block:
            return spread(values, self._memory.read(out.buffers["scales"]), form.block)
        return from_bits(values) if form.dtype is np.uint16 else values.astype(np.float32)

    def _zeros(self, shape: tuple[int, int], dtype: type[np.generic]) -> Any:
        return self._memory.zeros(Use.WORKSPACES, shape, dtype)
