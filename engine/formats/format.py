"""What every weight format can say of itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

# The arrays of a packed matrix, by name, on the host.
Parts = Mapping[str, NDArray[Any]]
FloatArray = NDArray[np.float32]

SYNTHETIC_DEVIATION = 0.02


@dataclass(frozen=True)
class PartLayout:
    """One array of a packed matrix."""

    dtype: np.dtype[Any]
    shape: tuple[int, int]

    @property
    def size_bytes(self) -> int:
        """What it weighs."""
        return int(self.dtype.itemsize) * self.shape[0] * self.shape[1]


class WeightFormat(ABC):
    """How a matrix of `rows` outputs and `columns` inputs is kept.

    A packed matrix is a few arrays (its parts), each with as many rows as the matrix, so that a run of rows is a run
    of every part and matrices of equal width can be stacked. A new format is one module here, and its kernels in
    `kernels_cu`, which are named after it.
    """

    name: ClassVar[str]
    block: ClassVar[int] = 1
    """So many neighbouring weights of a row are packed together; rows are whole blocks."""
    spread: ClassVar[float] = SYNTHETIC_DEVIATION * 12**0.5
    """What random weights are made with: the width of an even distribution, or the scale of random bytes."""

    @abstractmethod
    def layout(self, rows: int, columns: int) -> dict[str, PartLayout]:
        """The parts of a packed matrix, by name."""

    @abstractmethod
    def pack(self, values: FloatArray) -> Parts:
        """Packs a matrix of shape (rows, columns), rounding to the nearest."""

    @abstractmethod
    def unpack(self, parts: Parts) -> FloatArray:
        """The numbers that a packed matrix stands for, shape (rows, columns)."""

    @abstractmethod
    def from_noise(self, noise: NDArray[np.uint32]) -> Parts:
        """Packs random weights of standard deviation `SYNTHETIC_DEVIATION`, made of 32 random bits each."""

    def round_vector(self, values: FloatArray) -> FloatArray:
        """What a matrix-vector product makes of its input, a single row: the numbers themselves, or rounded.

        Args:
            values: shape (1, columns).
        """
        return values

    def round_rows(self, values: FloatArray) -> FloatArray:
        """What a product with many rows at a time makes of its input, and of the unpacked weights.

        Tensor cores read both in one 16-bit type, which need not be the one that weights are packed in.
        """
        return values

    def input_bytes(self, tokens: int, columns: int) -> int:
        """What so many rounded rows of activations weigh."""
        return tokens * columns * 4

    def size_bytes(self, rows: int, columns: int) -> int:
        """What a packed matrix weighs."""
        return sum(part.size_bytes for part in self.layout(rows, columns).values())


def uniform(noise: NDArray[np.uint32]) -> FloatArray:
    """Evenly spread numbers of mean 0 and standard deviation `SYNTHETIC_DEVIATION`, of the upper 24 bits of noise."""
    centred = (noise >> 8).astype(np.float32) * np.float32(2.0**-24) - np.float32(0.5)
    return centred * np.float32(SYNTHETIC_DEVIATION * 12**0.5)
