"""Seeded random weights of real shapes, the same on every backend.

A weight follows from its matrix's name, the seed and its place alone, so that a device fills its memory by itself and
still holds the numbers that the reference computes. They have a standard deviation of 0.02, as models are initialised.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from engine.formats import Parts, WeightFormat

_ODD = np.uint32(0x9E3779B9)


def matrix_seed(name: str, seed: int) -> int:
    """The seed of one matrix, 32 bits."""
    return zlib.crc32(name.encode(), seed & 0xFFFFFFFF)


def noise(count: int, seed: int) -> NDArray[np.uint32]:
    """Random 32-bit numbers, each a hash of its place: two rounds of multiply and xor-shift (Wellons, lowbias32)."""
    x = np.arange(count, dtype=np.uint32) * _ODD + np.uint32(seed)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def random_parts(format_: WeightFormat, rows: int, columns: int, seed: int) -> Parts:
    """A random matrix, packed."""
    return format_.from_noise(noise(rows * columns, seed).reshape(rows, columns))
