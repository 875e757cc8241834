"""The cache of keys and values."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.formats import WeightFormat
from engine.operations import HeadShape, LayerCache, Operations


@dataclass(frozen=True)
class Cache:
    """Keys and values of every layer, for sequences of up to `capacity` tokens."""

    capacity: int
    layers: tuple[LayerCache, ...]


def make_cache(ops: Operations, shapes: Iterable[HeadShape], capacity: int, format_: WeightFormat) -> Cache:
    """An empty cache, for layers of such heads."""
    return Cache(
        capacity, tuple(ops.cache(f"cache.{layer}", shape, capacity, format_) for layer, shape in enumerate(shapes))
    )
