"""A model's shape out of a GGUF file's metadata."""

from collections.abc import Mapping

import numpy as np

from engine.config import Divisors, ModelConfig, Rope, known_architecture
from engine.errors import EngineError
from engine.fields import Fields, shown
from engine.weights.gguf_reader import GgufContent
from engine.weights.stored import StoredTensor

EMBEDDING = "token_embd.weight"
HEAD = "output.weight"
ROPE_DIVISORS = "rope_freqs.weight"
# A model may end its text, its turn, or a message with a call of a tool.
_STOPS = ("eos_token_id", "eot_token_id", "eom_token_id")


def gguf_config(content: GgufContent) -> ModelConfig:
    """The shape that a file's metadata describes.

    Raises:
        EngineError: the architecture is not one of ours, or a value is missing or makes no sense.
    """
    fields = Fields(content.metadata, shown(content.file.name))
    architecture = known_architecture(fields.text("general.architecture"))
    _refuse_unsupported(fields, architecture)
    hidden_size, heads = fields.integer(f"{architecture}.embedding_length"), _heads(fields, architecture)
    head_dim = fields.integer(f"{architecture}.attention.key_length", hidden_size // max(1, heads))
    for name in ("attention.value_length", "rope.dimension_count"):
        if (size := fields.integer(f"{architecture}.{name}", head_dim)) != head_dim:
            raise EngineError(f"models with {name} {size} and heads {head_dim} wide are not supported")
    return ModelConfig(
        architecture=architecture,
        hidden_size=hidden_size,
        intermediate_size=fields.integer(f"{architecture}.feed_forward_length"),
        layers=fields.integer(f"{architecture}.block_count"),
        heads=heads,
        kv_heads=fields.integer(f"{architecture}.attention.head_count_kv", heads),
        head_dim=head_dim,
        vocabulary=_vocabulary(content),
        norm_epsilon=fields.number(f"{architecture}.attention.layer_norm_rms_epsilon"),
        rope=_rope(fields, architecture, content.tensors, head_dim),
        context=fields.integer(f"{architecture}.context_length"),
        ties_embeddings=HEAD not in content.tensors,
        stop_tokens=tuple(dict.fromkeys(stop for name in _STOPS for stop in fields.tokens(f"tokenizer.ggml.{name}"))),
        start_token=next(iter(fields.tokens("tokenizer.ggml.bos_token_id")), None),
    )


def _refuse_unsupported(fields: Fields, architecture: str) -> None:
    if (parts := fields.integer("split.count", 1)) > 1:
        raise EngineError(f"{fields.file} is one of {parts} parts of a model; merge them with llama.cpp's gguf-split")
    if fields.integer(f"{architecture}.expert_count", 0):
        raise EngineError("models with experts are not supported")
    scaling = fields.text(f"{architecture}.rope.scaling.type", "none")
    if scaling != "none":
        raise EngineError(f"the rope scaling {shown(scaling)} is not supported, only Llama 3's")


def _heads(fields: Fields, architecture: str) -> int:
    return fields.integer(f"{architecture}.attention.head_count")


def _vocabulary(content: GgufContent) -> int:
    if EMBEDDING not in content.tensors:
        raise content.file.damaged(f"it lacks the tensor {EMBEDDING}")
    return content.tensors[EMBEDDING].shape[0]


def _rope(fields: Fields, architecture: str, tensors: Mapping[str, StoredTensor], head_dim: int) -> Rope:
    theta = fields.number(f"{architecture}.rope.freq_base", 10_000.0)
    if ROPE_DIVISORS not in tensors:
        return Rope(theta)
    tensor = tensors[ROPE_DIVISORS]
    if tensor.format is None or tensor.shape != (head_dim // 2,):
        raise tensor.file.damaged(f"{ROPE_DIVISORS} has not one number for each pair of a head")
    values = tensor.format.unpack(tensor.parts(tensor.format, 1, 0, 1))[0]
    return Rope(theta, Divisors(tuple(np.asarray(values, np.float64).tolist())))
