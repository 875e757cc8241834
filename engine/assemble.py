"""Builds a model in a backend's memory from a source of weights, or from seeded random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.config import ModelConfig
from engine.errors import EngineError
from engine.formats import Parts, WeightFormat
from engine.layers.attention import Attention
from engine.layers.mlp import Mlp
from engine.layers.norm import Norm
from engine.model import Block, Model
from engine.operations import Buffer, HeadShape, Matrix, Operations, Rotation
from engine.rope import frequencies
from engine.weights.source import WeightSource
from engine.weights.synthetic import matrix_seed

# Told how many of how many layers are loaded.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ModelFormats:
    """Weight formats of a model: of its layers' matrices, of its embedding, and of its language-model head."""

    layers: WeightFormat
    embedding: WeightFormat
    head: WeightFormat


@dataclass(frozen=True)
class Assembly:
    """What a model is built from: a backend, a shape, formats, and either a source of weights or a seed."""

    ops: Operations
    config: ModelConfig
    formats: ModelFormats
    source: WeightSource | None
    seed: int

    def matrix(self, rows_by_name: Mapping[str, int], columns: int, format_: WeightFormat) -> Matrix:
        """One matrix, made of those of these names, one above the other."""
        name, sections = " + ".join(rows_by_name), tuple(rows_by_name.values())
        if columns % format_.block:
            raise EngineError(
                f"{name} has rows of {columns} weights, which are no whole blocks of {format_.block}; "
                f"choose another weight format than {format_.name}"
            )
        if self.source is None:
            return self.ops.random_matrix(name, format_, sections, columns, matrix_seed(name, self.seed))
        parts = [self.source.matrix(part, height, columns, format_) for part, height in rows_by_name.items()]
        return self.ops.matrix(name, format_, sections, columns, _stacked(parts))

    def vector(self, name: str, size: int) -> Buffer:
        """A norm's weight."""
        return self.ops.vector(
            name, np.ones(size, np.float32) if self.source is None else self.source.vector(name, size)
        )


def stored_formats(source: WeightSource) -> ModelFormats:
    """The formats in which a model's weights are stored; of all its layers those of the first query projection."""
    embedding = source.format_of("model.embed_tokens.weight")
    head = embedding if source.config.ties_embeddings else source.format_of("lm_head.weight")
    return ModelFormats(source.format_of("model.layers.0.self_attn.q_proj.weight"), embedding, head)


def assemble(assembly: Assembly, progress: Progress) -> Model:
    """Loads every weight.

    Raises:
        EngineError: a tensor is missing, of another shape, or damaged; or memory ran out.
    """
    config, formats = assembly.config, assembly.formats
    turns = assembly.ops.vector("rope.frequencies", frequencies(config.rope, config.head_dim))
    embedding = assembly.matrix({"model.embed_tokens.weight": config.vocabulary}, config.hidden_size, formats.embedding)
    blocks = []
    for layer in range(config.layers):
        progress(layer, config.layers)
        blocks.append(_block(assembly, layer, turns))
    progress(config.layers, config.layers)
    head = embedding
    if not config.ties_embeddings:
        head = assembly.matrix({"lm_head.weight": config.vocabulary}, config.hidden_size, formats.head)
    return Model(config, embedding, tuple(blocks), _norm(assembly, "model.norm", "final_norm", None), head)


def _block(assembly: Assembly, layer: int, turns: Buffer) -> Block:
    config, format_ = assembly.config, assembly.formats.layers
    prefix = f"model.layers.{layer}"
    attention = Attention(
        layer,
        _norm(assembly, f"{prefix}.input_layernorm", "attention_norm", layer),
        HeadShape(config.heads, config.kv_heads, config.head_dim),
        assembly.matrix(
            {
                f"{prefix}.self_attn.q_proj.weight": config.q_size,
                f"{prefix}.self_attn.k_proj.weight": config.kv_size,
                f"{prefix}.self_attn.v_proj.weight": config.kv_size,
            },
            config.hidden_size,
            format_,
        ),
        Rotation(turns, _head_norms(assembly, f"{prefix}.self_attn"), config.norm_epsilon),
        assembly.matrix({f"{prefix}.self_attn.o_proj.weight": config.hidden_size}, config.q_size, format_),
    )
    mlp = Mlp(
        layer,
        _norm(assembly, f"{prefix}.post_attention_layernorm", "mlp_norm", layer),
        assembly.matrix(
            {
                f"{prefix}.mlp.gate_proj.weight": config.intermediate_size,
                f"{prefix}.mlp.up_proj.weight": config.intermediate_size,
            },
            config.hidden_size,
            format_,
        ),
        assembly.matrix({f"{prefix}.mlp.down_proj.weight": config.hidden_size}, config.intermediate_size, format_),
    )
    return Block(attention, mlp)


def _head_norms(assembly: Assembly, prefix: str) -> tuple[Buffer, Buffer] | None:
    if not assembly.config.has_qk_norm:
        return None
    head_dim = assembly.config.head_dim
    return (
        assembly.vector(f"{prefix}.q_norm.weight", head_dim),
        assembly.vector(f"{prefix}.k_norm.weight", head_dim),
    )


def _norm(assembly: Assembly, name: str, role: str, layer: int | None) -> Norm:
    weight = assembly.vector(f"{name}.weight", assembly.config.hidden_size)
    return Norm(role, layer, weight, assembly.config.norm_epsilon)


def _stacked(parts: list[Parts]) -> Parts:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
