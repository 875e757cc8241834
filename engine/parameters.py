"""How many numbers a model is made of, and what they weigh."""

from engine.config import ModelConfig
from engine.model import Model

_FLOAT_BYTES = 4


def matrix_parameters(config: ModelConfig) -> int:
    """Weights in matrices, those of a tied embedding once."""
    attention = config.hidden_size * (2 * config.q_size + 2 * config.kv_size)
    mlp = 3 * config.hidden_size * config.intermediate_size
    table = config.vocabulary * config.hidden_size
    return config.layers * (attention + mlp) + (1 if config.ties_embeddings else 2) * table


def vector_parameters(config: ModelConfig) -> int:
    """Weights of norms."""
    of_layer = 2 * config.hidden_size + (2 * config.head_dim if config.has_qk_norm else 0)
    return config.layers * of_layer + config.hidden_size


def parameters(config: ModelConfig) -> int:
    """All weights."""
    return matrix_parameters(config) + vector_parameters(config)


def step_weight_bytes(model: Model) -> int:
    """The weights that a decode step reads, in bytes as packed: all but an embedding that is not the head, too."""
    matrices = [
        matrix
        for block in model.blocks
        for matrix in (block.attention.qkv, block.attention.output, block.mlp.gate_up, block.mlp.down)
    ]
    packed = sum(matrix.size_bytes for matrix in (*matrices, model.head))
    return packed + vector_parameters(model.config) * _FLOAT_BYTES


def weight_bytes(model: Model) -> int:
    """All weights, in bytes as packed."""
    return step_weight_bytes(model) + (0 if model.config.ties_embeddings else model.embedding.size_bytes)
