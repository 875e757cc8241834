"""Choosing the next token from logits, with random numbers that depend on seed and step alone."""

import numpy as np

from engine.formats.format import FloatArray
from engine.operations import Sampling

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def choose(logits: FloatArray, sampling: Sampling, step: int) -> int:
    """The next token: the likeliest (the first of equals), or one drawn from what top-k and top-p leave.

    Args:
        logits: shape (vocabulary,).
        sampling: how to choose.
        step: which draw of this seed.
    """
    if sampling.temperature <= 0:
        return int(np.argmax(logits))
    order = np.lexsort((np.arange(len(logits)), -logits))
    scores = logits[order].astype(np.float64) / sampling.temperature
    shares = np.exp(scores - scores[0])
    shares /= shares.sum()
    left = len(order) if sampling.top_k <= 0 else min(sampling.top_k, len(order))
    if sampling.top_p < 1:
        left = min(left, int(np.searchsorted(np.cumsum(shares), sampling.top_p)) + 1)
    running = np.cumsum(shares[:left])
    drawn = int(np.searchsorted(running, uniform(sampling.seed, step) * running[-1], side="right"))
    return int(order[min(drawn, left - 1)])


def uniform(seed: int, step: int) -> float:
    """A number in [0, 1), the `step`-th of this seed: SplitMix64 (Steele, Lea and Flood, 2014), its upper 24 bits."""
    state = (seed + (step + 1) * _GOLDEN) & _MASK
    state = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ state >> 27) * 0x94D049BB133111EB) & _MASK
    return ((state ^ state >> 31) >> 40) / (1 << 24)
