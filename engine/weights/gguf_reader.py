"""What a GGUF file holds: metadata, and where its tensors lie.

Source: the format's specification (ggml, docs/gguf.md), versions 2 and 3, little-endian. Every count, length and offset
is checked against the file before it is used.
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError
from engine.fields import shown
from engine.formats import BF16, FP16, FP32, Q8_0, WeightFormat
from engine.weights.files import MappedFile, map_file
from engine.weights.stored import StoredTensor

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_FORMATS: dict[int, WeightFormat] = {0: FP32, 1: FP16, 8: Q8_0, 30: BF16}
_TYPE_NAMES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip
_SCALARS = {
    0: struct.Struct("<B"), 1: struct.Struct("<b"), 2: struct.Struct("<H"), 3: struct.Struct("<h"),
    4: struct.Struct("<I"), 5: struct.Struct("<i"), 6: struct.Struct("<f"), 7: struct.Struct("<?"),
    10: struct.Struct("<Q"), 11: struct.Struct("<q"), 12: struct.Struct("<d"),
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_U32, _U64 = _SCALARS[4], _SCALARS[10]
_ALIGNMENT = 32
_LEAST_ALIGNMENT = 8
# Beyond these no real file goes; they bound what reading a hostile one costs.
_MOST_ENTRIES = 1 << 16
_MOST_ELEMENTS = 1 << 22
_LONGEST_NAME_BYTES = 1 << 16
_LONGEST_TEXT_BYTES = 16 << 20
_MOST_DIMENSIONS = 4


@dataclass(frozen=True, eq=False)
class Texts:
    """An array of texts in a file, decoded when it is asked for: a vocabulary has some hundred thousand."""

    file: MappedFile
    offset: int
    count: int

    def read(self) -> list[str]:
        """All of them.

        Raises:
            EngineError: one is no UTF-8.
        """
        cursor = _Cursor(self.file, self.offset)
        return [cursor.text(_LONGEST_NAME_BYTES) for _ in range(self.count)]


@dataclass(frozen=True, eq=False)
class GgufContent:
    """A GGUF file.

    Attributes:
        file: its bytes.
        metadata: numbers, texts, NumPy arrays of numbers, and `Texts`.
        tensors: by the names that GGUF gives them.
    """

    file: MappedFile
    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]


def read_gguf(path: Path) -> GgufContent:
    """Reads a file's header.

    Raises:
        EngineError: it is missing, cut off or damaged, or holds what the engine does not support.
    """
    file = map_file(path)
    if file.part(0, len(MAGIC)).tobytes() != MAGIC:
        raise EngineError(f"{shown(path.name)} is no GGUF file; give one, or the folder of a transformers model")
    cursor = _Cursor(file, len(MAGIC))
    if (version := cursor.scalar(_U32)) not in _VERSIONS:
        raise EngineError(
            f"{shown(path.name)} is GGUF of version {version} or big-endian; convert the model anew, to version 3"
        )
    tensors, entries = cursor.count(_MOST_ENTRIES), cursor.count(_MOST_ENTRIES)
    metadata: dict[str, Any] = {}
    for _ in range(entries):
        name = cursor.text(_LONGEST_NAME_BYTES)
        if name in metadata:
            raise file.damaged(f"{shown(name)} occurs twice in it")
        metadata[name] = cursor.value(cursor.scalar(_U32))
    places = [_Place.read(cursor) for _ in range(tensors)]
    return GgufContent(file, metadata, _located(file, places, cursor.offset, _alignment(file, metadata)))


class _Cursor:
    """Reads a file from front to back."""

    def __init__(self, file: MappedFile, offset: int) -> None:
        self.file = file
        self.offset = offset
        self._data = file.data.data

    def scalar(self, kind: struct.Struct) -> Any:
        """The number that comes next."""
        start = self._skip(kind.size)
        return kind.unpack_from(self._data, start)[0]

    def count(self, most: int) -> int:
        """How many of something follow."""
        count: int = self.scalar(_U64)
        if count > most:
            raise self.file.damaged(f"it claims to hold {count} of what has at most {most}")
        return count

    def text(self, longest_bytes: int) -> str:
        """The text that comes next."""
        start = self._skip_text(longest_bytes)
        try:
            return str(self._data[start : self.offset], "utf-8")
        except UnicodeDecodeError as error:
            raise self.file.damaged("it holds a text that is no UTF-8") from error

    def value(self, kind: int) -> Any:
        """The value of metadata that comes next."""
        if kind == _STRING:
            return self.text(_LONGEST_TEXT_BYTES)
        if kind == _ARRAY:
            return self._array()
        return self.scalar(self._scalar_kind(kind))

    def _array(self) -> Any:
        kind, count = self.scalar(_U32), self.count(_MOST_ELEMENTS)
        start = self.offset
        if kind == _STRING:
            for _ in range(count):
                self._skip_text(_LONGEST_NAME_BYTES)
            return Texts(self.file, start, count)
        dtype = np.dtype(self._scalar_kind(kind).format)
        self._skip(count * dtype.itemsize)
        return self.file.data[start : self.offset].view(dtype)

    def _scalar_kind(self, kind: int) -> struct.Struct:
        if kind not in _SCALARS:
            raise self.file.damaged(f"it holds a value of the unknown type {kind}")
        return _SCALARS[kind]

    def _skip_text(self, longest_bytes: int) -> int:
        length: int = self.scalar(_U64)
        if length > longest_bytes:
            raise self.file.damaged(f"it claims to hold a text of {length} bytes")
        return self._skip(length)

    def _skip(self, size_bytes: int) -> int:
        start = self.offset
        if start + size_bytes > len(self._data):
            raise self.file.damaged(f"its header does not end within its {len(self._data)} bytes")
        self.offset += size_bytes
        return start


@dataclass(frozen=True)
class _Place:
    """What a header says of one tensor; `shape` with the fastest dimension first, `offset` from the first tensor."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @classmethod
    def read(cls, cursor: _Cursor) -> "_Place":
        """The tensor that comes next."""
        name = cursor.text(_LONGEST_NAME_BYTES)
        dimensions = cursor.scalar(_U32)
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise cursor.file.damaged(f"the tensor {shown(name)} has {dimensions} dimensions")
        shape = tuple(cursor.scalar(_U64) for _ in range(dimensions))
        return cls(name, shape, cursor.scalar(_U32), cursor.scalar(_U64))


def _alignment(file: MappedFile, metadata: dict[str, Any]) -> int:
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or alignment < _LEAST_ALIGNMENT or alignment & (alignment - 1):
        raise file.damaged(f"it is aligned to {shown(alignment)} bytes")
    return alignment


def _located(file: MappedFile, places: list[_Place], header_end: int, alignment: int) -> dict[str, StoredTensor]:
    tensors: dict[str, StoredTensor] = {}
    start, expected = _aligned(header_end, alignment), 0
    for place in sorted(places, key=lambda place: place.offset):
        if place.name in tensors:
            raise file.damaged(f"the tensor {shown(place.name)} occurs twice in it")
        if place.offset != expected:
            raise file.damaged(f"the tensor {shown(place.name)} does not lie behind the one before it")
        tensor = _tensor(file, place, start + place.offset)
        file.part(tensor.offset, tensor.size_bytes)
        expected = _aligned(place.offset + tensor.size_bytes, alignment)
        tensors[place.name] = tensor
    return tensors


def _tensor(file: MappedFile, place: _Place, offset: int) -> StoredTensor:
    type_name = _TYPE_NAMES.get(place.type, f"number {place.type}")
    if place.type not in _FORMATS:
        raise EngineError(
            f"{shown(file.name)} holds {shown(place.name)} in {type_name}, which is not supported; "
            "convert the model to F32, F16, BF16 or Q8_0"
        )
    format_ = _FORMATS[place.type]
    width, *others = place.shape
    height = prod(others)
    if width == 0 or height == 0 or width % format_.block:
        raise file.damaged(f"the tensor {shown(place.name)} cannot have the shape {shown(place.shape)}")
    return StoredTensor(file, type_name, format_, place.shape[::-1], offset, format_.size_bytes(height, width))


def _aligned(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment
