"""Tensors where they lie in files, and what it takes to give them packed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.config import ModelConfig
from engine.errors import EngineError
from engine.fields import shown
from engine.formats import BF16, FP16, FP32, Q8_0, Parts, WeightFormat
from engine.formats.format import FloatArray
from engine.formats.q8_0 import from_ggml
from engine.weights.files import MappedFile
from engine.weights.source import WeightSource

# As single-precision numbers: what is unpacked at a time on the way to another format.
_CHUNK_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor in a file.

    Attributes:
        file: that holds it.
        type: what the file calls its type.
        format: the same as one of ours, None where it is none of them.
        shape: the slowest dimension first.
        offset: of its first byte.
        size_bytes: what it weighs.
        row_order: which stored row each of its rows is, where they lie in another order.
    """

    file: MappedFile
    type: str
    format: WeightFormat | None
    shape: tuple[int, ...]
    offset: int
    size_bytes: int
    row_order: NDArray[np.intp] | None = field(default=None, repr=False)

    def parts(self, format_: WeightFormat, rows: int, start: int, stop: int) -> Parts:
        """Some of its rows, packed as they are stored: views of the file where they lie in it like that."""
        stored = self.file.part(self.offset, self.size_bytes).reshape(rows, -1)
        chosen = stored[start:stop] if self.row_order is None else stored[self.row_order[start:stop]]
        if format_ is Q8_0:
            height, width_bytes = chosen.shape
            return from_ggml(chosen, height, width_bytes // 34 * Q8_0.block)
        (name,) = format_.layout(1, 1)
        values = chosen.view(_STORED_TYPES[format_.name])
        return {name: values if values.flags.aligned else values.copy()}


_STORED_TYPES = {FP32.name: "<f4", FP16.name: "<f2", BF16.name: "<u2"}


class StoredSource(WeightSource):
    """Weights that lie in files, by transformers' names."""

    def __init__(self, config: ModelConfig, description: str, tensors: Mapping[str, StoredTensor]) -> None:
        self.config = config
        self.description = description
        self._tensors = tensors

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._tensors

    def format_of(self, name: str) -> WeightFormat:
        """The format in which a matrix is stored.

        Raises:
            EngineError: there is no such tensor, or its type is not supported.
        """
        tensor = self._tensor(name)
        if tensor.format is None:
            raise EngineError(
                f"{name} in {shown(tensor.file.name)} is of the type {shown(tensor.type)}, which is not supported; "
                "take a model in F32, F16 or BF16, or a GGUF file in Q8_0"
            )
        return tensor.format

    def matrix(self, name: str, rows: int, columns: int, format_: WeightFormat) -> Parts:
        """A matrix, packed in this format; the stored numbers bit by bit where they are stored in it.

        Raises:
            EngineError: there is no such tensor, its shape is another, or the file is damaged.
        """
        stored = self.format_of(name)
        tensor = self._of_shape(name, (rows, columns))
        if format_ is stored:
            return tensor.parts(stored, rows, 0, rows)
        if columns % format_.block:
            raise EngineError(f"{name} has rows of {columns} weights, which cannot be packed as {format_.name}")
        packed = {part: np.empty(place.shape, place.dtype) for part, place in format_.layout(rows, columns).items()}
        step = max(1, _CHUNK_BYTES // (4 * columns))
        for start in range(0, rows, step):
            stop = min(rows, start + step)
            chunk = _repacked(name, stored.unpack(tensor.parts(stored, rows, start, stop)), format_)
            for part, values in chunk.items():
                packed[part][start:stop] = values
        return packed

    def vector(self, name: str, size: int) -> FloatArray:
        """A vector, such as a norm's weight, in single precision.

        Raises:
            EngineError: as for a matrix.
        """
        stored = self.format_of(name)
        values: FloatArray = stored.unpack(self._of_shape(name, (size,)).parts(stored, 1, 0, 1))[0]
        return values

    def _tensor(self, name: str) -> StoredTensor:
        if name not in self._tensors:
            raise EngineError(f"{shown(self.description)} lacks the tensor {name}; download or convert it again")
        return self._tensors[name]

    def _of_shape(self, name: str, shape: tuple[int, ...]) -> StoredTensor:
        tensor = self._tensor(name)
        if tensor.shape != shape:
            raise EngineError(
                f"{name} in {shown(tensor.file.name)} has the shape {shown(tensor.shape)} and not {shape}, as the "
                "model's config says; restore the config or download the weights again"
            )
        return tensor


def _repacked(name: str, values: FloatArray, format_: WeightFormat) -> Parts:
    if not np.isfinite(values).all():
        raise EngineError(f"{name} holds what is no finite number; download the weights again")
    with np.errstate(over="ignore"):
        parts = format_.pack(values)
    if any(part.dtype.kind == "f" and not np.isfinite(part).all() for part in parts.values()):
        raise EngineError(f"{name} holds weights that are too large for {format_.name}; choose another format")
    return parts
