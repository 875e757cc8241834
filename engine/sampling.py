"""Choosing the next token from logits, with random numbers that depend on seed and step alone."""

import numpy as np

from engine.formats.format import FloatArray
from engine.operations import Sampling

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_RANDOM_BITS = 24
# What the largest weight is.
_UNIT = 2.0**32


def choose(logits: FloatArray, sampling: Sampling, step: int) -> int:
    """The next token: the likeliest (the first of equals), or one drawn from what top-k and then top-p leave.

    Of tokens with equal logits the earlier are likelier. Weights are whole numbers, so that their sums do not depend on
    the order in which a device adds them; the draw walks the kept tokens in their own order.

    Args:
        logits: shape (vocabulary,).
        sampling: how to choose.
        step: which draw of this seed.
    """
    if sampling.temperature <= 0:
        return int(np.argmax(logits))
    powers = np.exp((logits - logits.max()) / np.float32(sampling.temperature))
    weights = np.rint(powers.astype(np.float64) * _UNIT).astype(np.uint64)
    kept = np.lexsort((np.arange(len(logits)), -logits))
    if sampling.top_k > 0:
        kept = kept[: sampling.top_k]
    if sampling.top_p < 1:
        running = np.cumsum(weights[kept])
        wanted = max(1, int(float(np.float32(sampling.top_p)) * float(running[-1])))
        kept = kept[: int(np.searchsorted(running, np.uint64(wanted))) + 1]
    kept = np.sort(kept)
    running = np.cumsum(weights[kept])
    goal = int(running[-1]) * random_bits(sampling.seed, step) >> _RANDOM_BITS
    return int(kept[np.searchsorted(running, np.uint64(goal), side="right")])


def random_bits(seed: int, step: int) -> int:
    """24 random bits, the `step`-th of this seed: the upper ones of SplitMix64 (Steele, Lea and Flood, 2014)."""
    state = (seed + (step + 1) * _GOLDEN) & _MASK
    state = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ state >> 27) * 0x94D049BB133111EB) & _MASK
    return (state ^ state >> 31) >> 64 - _RANDOM_BITS
