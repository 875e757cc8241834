"""The cache of keys and values."""

from dataclasses import dataclass

from engine.config import ModelConfig
from engine.formats import WeightFormat
from engine.operations import HeadShape, LayerCache, Operations


@dataclass(frozen=True)
class Cache:
    """Keys and values of every layer, for sequences of up to `capacity` tokens."""

    capacity: int
    layers: tuple[LayerCache, ...]


def make_cache(ops: Operations, config: ModelConfig, capacity: int, format_: WeightFormat) -> Cache:
    """An empty cache."""
    shape = HeadShape(config.heads, config.kv_heads, config.head_dim)
    return Cache(
        capacity, tuple(ops.cache(f"cache.{layer}", shape, capacity, format_) for layer in range(config.layers))
    )
