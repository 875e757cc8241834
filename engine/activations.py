"""The buffers that a forward pass works in, made once for the longest chunk."""

from dataclasses import dataclass

from engine.config import ModelConfig
from engine.formats import WeightFormat
from engine.operations import Buffer, Input, Operations


@dataclass(frozen=True)
class Activations:
    """Working buffers for up to `capacity` tokens at a time.

    Attributes:
        capacity: the longest chunk.
        ids: the chunk's tokens, shape (capacity,).
        hidden: the residual stream, shape (capacity, hidden_size).
        normed: what a norm leaves, the same shape.
        qkv: queries, keys and values, shape (capacity, q_size + 2 kv_size).
        attended: what attention leaves, shape (capacity, q_size).
        gated: what gate and up leave, shape (capacity, intermediate_size).
        last: the last token's residual stream, shape (1, hidden_size).
        last_normed: the same behind the last norm.
        logits: of the last token, shape (1, vocabulary).
    """

    capacity: int
    ids: Buffer
    hidden: Buffer
    normed: Input
    qkv: Buffer
    attended: Input
    gated: Input
    last: Buffer
    last_normed: Input
    logits: Buffer


def make_activations(
    ops: Operations, config: ModelConfig, capacity: int, layer_format: WeightFormat, head_format: WeightFormat
) -> Activations:
    """Working buffers for chunks of up to `capacity` tokens, and weights of these formats."""
    return Activations(
        capacity=capacity,
        ids=ops.integers("ids", capacity),
        hidden=ops.floats("hidden", capacity, config.hidden_size),
        normed=ops.input("normed", capacity, config.hidden_size, layer_format),
        qkv=ops.floats("qkv", capacity, config.qkv_size),
        attended=ops.input("attended", capacity, config.q_size, layer_format),
        gated=ops.input("gated", capacity, config.intermediate_size, layer_format),
        last=ops.floats("last", 1, config.hidden_size),
        last_normed=ops.input("last_normed", 1, config.hidden_size, head_format),
        logits=ops.floats("logits", 1, config.vocabulary),
    )
