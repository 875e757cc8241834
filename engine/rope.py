"""How far rotary embedding turns the pairs of a head (Su et al., RoFormer, 2021)."""

import math

import numpy as np
from numpy.typing import NDArray

from engine.config import Divisors, Llama3Scaling, Rope


def frequencies(rope: Rope, head_dim: int) -> NDArray[np.float32]:
    """The angle, in radians, by which one position turns each pair of a head, shape (head_dim / 2,)."""
    plain = 1.0 / rope.theta ** (np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    match rope.scaling:
        case None:
            return plain.astype(np.float32)
        case Divisors(values):
            return (plain / values).astype(np.float32)
        case Llama3Scaling() as scaling:
            return _llama3_scaled(plain, scaling).astype(np.float32)


def _llama3_scaled(plain: NDArray[np.float64], scaling: Llama3Scaling) -> NDArray[np.float64]:
    wavelength = 2 * math.pi / plain
    turns = scaling.original_context / wavelength
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    # 0 for wavelengths that are too long, 1 for those short enough, and between them what lies between.
    kept = np.clip((turns - low) / (high - low), 0, 1)
    scaled: NDArray[np.float64] = plain * (kept + (1 - kept) / scaling.factor)
    return scaled
