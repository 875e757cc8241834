"""Weights in single precision: norms, and models small enough."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.formats.format import FloatArray, PartLayout, Parts, WeightFormat, uniform


class _FP32(WeightFormat):
    name: ClassVar[str] = "fp32"

    def layout(self, rows: int, columns: int) -> dict[str, PartLayout]:
        return {"values": PartLayout(np.dtype(np.float32), (rows, columns))}

    def pack(self, values: FloatArray) -> Parts:
        return {"values": np.ascontiguousarray(values, np.float32)}

    def from_noise(self, noise: NDArray[np.uint32]) -> Parts:
        return self.pack(uniform(noise))

    def unpack(self, parts: Parts) -> FloatArray:
        return parts["values"].astype(np.float32)


FP32 = _FP32()
