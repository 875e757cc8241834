"""The bytes that a pass must move and the operations it must do, role by role, from the model's shape alone.

Every weight is read once a chunk, as packed, every input and output once, in the form in which it travels; the cache
up to the sequence's length. What lies between (norms, rotations, weights that are unpacked, copies) counts as nothing,
for it could be fused away: bytes over bandwidth is a floor of all that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.formats import WeightFormat
from engine.model import Model
from engine.operations import Matrix

_FLOAT_BYTES = 4
# However many chunks there are.
_ONCE = ("lm_head", "sampling")


@dataclass(frozen=True)
class RoleFootprint:
    """What all layers' operations of one role need in one pass."""

    layer_type: str
    role: str
    bytes: int
    operations: int


def footprints(model: Model, cache_format: WeightFormat, tokens: int, context: int) -> tuple[RoleFootprint, ...]:
    """What one pass over `tokens` rows needs, the last of which sees `context` positions.

    A step of decode is a pass over one row.
    """
    return tuple(_roles(model, cache_format, tokens, context))


def prefill_footprints(model: Model, cache_format: WeightFormat, tokens: int, chunk: int) -> tuple[RoleFootprint, ...]:
    """What a whole prompt needs, read in chunks of up to so many tokens; logits follow from the last chunk alone."""
    sums: dict[tuple[str, str], RoleFootprint] = {}
    for start in range(0, tokens, chunk):
        end = min(start + chunk, tokens)
        for role in footprints(model, cache_format, end - start, end):
            key = (role.layer_type, role.role)
            before = sums.get(key)
            if before is None or role.layer_type in _ONCE:
                sums[key] = role
            else:
                moved, done = before.bytes + role.bytes, before.operations + role.operations
                sums[key] = RoleFootprint(*key, moved, done)
    return tuple(sums.values())


def _roles(model: Model, cache_format: WeightFormat, tokens: int, context: int) -> Iterator[RoleFootprint]:
    config, layers = model.config, model.config.layers
    attention, mlp = model.blocks[0].attention, model.blocks[0].mlp
    row_bytes = model.embedding.format.size_bytes(1, config.hidden_size)
    yield RoleFootprint("embedding", "embed", tokens * (row_bytes + config.hidden_size * _FLOAT_BYTES), 0)
    singles = tokens * _FLOAT_BYTES
    yield _product("attention", "qkv_proj", attention.qkv, tokens, layers, singles * attention.qkv.rows)
    yield _attention(model, cache_format, tokens, context)
    # What is added to the residual stream is read and written there.
    stream = 2 * singles * config.hidden_size
    yield _product("attention", "o_proj", attention.output, tokens, layers, stream)
    gated = mlp.down.format.input_bytes(tokens, config.intermediate_size)
    yield _product("mlp", "gate_up_proj", mlp.gate_up, tokens, layers, gated)
    yield _product("mlp", "down_proj", mlp.down, tokens, layers, stream)
    yield _product("lm_head", "lm_head", model.head, 1, 1, model.head.rows * _FLOAT_BYTES)
    yield RoleFootprint("sampling", "sample", config.vocabulary * _FLOAT_BYTES, config.vocabulary)


def _product(layer_type: str, role: str, weight: Matrix, tokens: int, layers: int, out_bytes: int) -> RoleFootprint:
    moved = weight.size_bytes + weight.format.input_bytes(tokens, weight.columns) + out_bytes
    return RoleFootprint(layer_type, role, layers * moved, layers * 2 * tokens * weight.rows * weight.columns)


def _attention(model: Model, cache_format: WeightFormat, tokens: int, context: int) -> RoleFootprint:
    config = model.config
    cached = 2 * cache_format.size_bytes(context, config.kv_size)
    rows = tokens * config.qkv_size * _FLOAT_BYTES
    rows += model.blocks[0].attention.output.format.input_bytes(tokens, config.q_size)
    # Row t of so many sees context - tokens + t + 1 positions, each for a product with the key and one with the value.
    seen = tokens * (2 * context - tokens + 1) // 2
    return RoleFootprint(
        "attention", "attention", config.layers * (cached + rows), config.layers * 4 * seen * config.q_size
    )
