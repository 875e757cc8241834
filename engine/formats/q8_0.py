"""Q8_0: 32 neighbouring weights of a row share a half-precision scale; each is a signed byte times that scale.

Source: the format of that name in ggml. There a block is its scale followed by its bytes, 34 in all; here the bytes
and the scales are arrays of their own, so that a kernel reads 16 aligned bytes at a time.

A matrix-vector product with Q8_0 rounds its input to bytes, too, so that it is made of products of bytes; a scale of
the input belongs to 16 neighbours, as many as a thread reads at a time. A product with many rows is made on tensor
cores, in bfloat16: whose range holds whatever a model's activations reach, and which bytes fit in exactly.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.formats.bf16 import BF16
from engine.formats.format import SYNTHETIC_DEVIATION, FloatArray, PartLayout, Parts, WeightFormat

BLOCK = 32
INPUT_BLOCK = 16
_LARGEST = 127
# The standard deviation of a byte of which all 256 values are as likely.
_BYTE_DEVIATION = 73.9


class _Q8_0(WeightFormat):  # noqa: N801 - the format's own name
    name: ClassVar[str] = "q8_0"
    block: ClassVar[int] = BLOCK
    spread: ClassVar[float] = SYNTHETIC_DEVIATION / _BYTE_DEVIATION

    def layout(self, rows: int, columns: int) -> dict[str, PartLayout]:
        return {
            "values": PartLayout(np.dtype(np.int8), (rows, columns)),
            "scales": PartLayout(np.dtype(np.float16), (rows, columns // BLOCK)),
        }

    def pack(self, values: FloatArray) -> Parts:
        bytes_, scales = quantise(values, BLOCK)
        return {"values": bytes_, "scales": scales.astype(np.float16)}

    def unpack(self, parts: Parts) -> FloatArray:
        return spread(parts["values"], parts["scales"].astype(np.float32), BLOCK)

    def from_noise(self, noise: NDArray[np.uint32]) -> Parts:
        bytes_ = (noise >> 24).astype(np.uint8).view(np.int8)
        scales = np.full((len(noise), noise.shape[1] // BLOCK), self.spread, np.float16)
        return {"values": bytes_, "scales": scales}

    def input_bytes(self, tokens: int, columns: int) -> int:
        if tokens == 1:
            return columns + columns // INPUT_BLOCK * 4
        return BF16.input_bytes(tokens, columns)

    def round_vector(self, values: FloatArray) -> FloatArray:
        bytes_, scales = quantise(values, INPUT_BLOCK)
        return spread(bytes_, scales, INPUT_BLOCK)

    def round_rows(self, values: FloatArray) -> FloatArray:
        return BF16.round_rows(values)


def quantise(values: FloatArray, block: int) -> tuple[NDArray[np.int8], FloatArray]:
    """Rounds rows to bytes with a scale a block: of each block the largest magnitude becomes 127.

    Returns:
        Bytes of the shape of `values`, (rows, columns), and scales of shape (rows, columns / block).
    """
    rows, columns = values.shape
    blocks = np.asarray(values, np.float32).reshape(rows, columns // block, block)
    largest = np.abs(blocks).max(axis=2)
    inverse = np.divide(np.float32(_LARGEST), largest, out=np.zeros_like(largest), where=largest > 0)
    bytes_ = np.rint(blocks * inverse[..., None]).astype(np.int8)
    return bytes_.reshape(rows, columns), largest / np.float32(_LARGEST)


def from_ggml(blocks: NDArray[Any], rows: int, columns: int) -> Parts:
    """The parts of a matrix whose blocks lie as ggml stores them, as bytes."""
    of_block = np.frombuffer(blocks, np.dtype([("scale", "<f2"), ("values", "i1", BLOCK)]))
    return {
        "values": np.ascontiguousarray(of_block["values"]).reshape(rows, columns),
        "scales": np.ascontiguousarray(of_block["scale"]).reshape(rows, columns // BLOCK),
    }


def spread(bytes_: NDArray[np.int8], scales: FloatArray, block: int) -> FloatArray:
    """The numbers that rows of bytes stand for, with a scale for each block of neighbours."""
    rows, columns = bytes_.shape
    blocks = bytes_.reshape(rows, columns // block, block).astype(np.float32)
    return (blocks * scales[..., None]).reshape(rows, columns)


Q8_0 = _Q8_0()
