"""Weights in half precision (IEEE 754 binary16)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.formats.format import FloatArray, PartLayout, Parts, WeightFormat, uniform


class _FP16(WeightFormat):
    name: ClassVar[str] = "fp16"

    def layout(self, rows: int, columns: int) -> dict[str, PartLayout]:
        return {"values": PartLayout(np.dtype(np.float16), (rows, columns))}

    def pack(self, values: FloatArray) -> Parts:
        return {"values": np.ascontiguousarray(values, np.float16)}

    def from_noise(self, noise: NDArray[np.uint32]) -> Parts:
        return self.pack(uniform(noise))

    def unpack(self, parts: Parts) -> FloatArray:
        return parts["values"].astype(np.float32)

    def input_bytes(self, tokens: int, columns: int) -> int:
        return tokens * columns * 2

    def round_vector(self, values: FloatArray) -> FloatArray:
        return values.astype(np.float16).astype(np.float32)

    def round_rows(self, values: FloatArray) -> FloatArray:
        return values.astype(np.float16).astype(np.float32)


FP16 = _FP16()
