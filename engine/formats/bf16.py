"""Weights in bfloat16: the upper half of a single, which NumPy has no type for."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.formats.format import FloatArray, PartLayout, Parts, WeightFormat, uniform


class _BF16(WeightFormat):
    name: ClassVar[str] = "bf16"

    def layout(self, rows: int, columns: int) -> dict[str, PartLayout]:
        return {"values": PartLayout(np.dtype(np.uint16), (rows, columns))}

    def pack(self, values: FloatArray) -> Parts:
        return {"values": bits_of(values)}

    def from_noise(self, noise: NDArray[np.uint32]) -> Parts:
        return self.pack(uniform(noise))

    def unpack(self, parts: Parts) -> FloatArray:
        return from_bits(parts["values"])

    def input_bytes(self, tokens: int, columns: int) -> int:
        return tokens * columns * 2

    def round_vector(self, values: FloatArray) -> FloatArray:
        return from_bits(bits_of(values))

    def round_rows(self, values: FloatArray) -> FloatArray:
        return from_bits(bits_of(values))


def bits_of(values: FloatArray) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16, ties to even; what is no number stays none."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    quiet = bits >> 16 | 0x40
    return np.where(np.isnan(values), quiet, rounded).astype(np.uint16)


def from_bits(bits: NDArray[Any]) -> FloatArray:
    """The numbers that bfloat16 bits stand for."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


BF16 = _BF16()
