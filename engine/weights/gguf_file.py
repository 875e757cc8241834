"""A model in a GGUF file, as llama.cpp's converter writes it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.config import Architecture, ModelConfig
from engine.errors import EngineError
from engine.fields import shown
from engine.weights.gguf_config import EMBEDDING, HEAD, gguf_config
from engine.weights.gguf_reader import GgufContent, read_gguf
from engine.weights.stored import StoredSource, StoredTensor

_OF_MODEL = {
    EMBEDDING: "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    HEAD: "lm_head.weight",
}
_OF_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LAYER_NAME = re.compile(r"blk\.(0|[1-9][0-9]{0,8})\.([a-z_]+)\.weight", re.ASCII)


def open_gguf_file(path: Path) -> StoredSource:
    """The weights of a GGUF file.

    Raises:
        EngineError: the file is missing or damaged, or the model is not supported.
    """
    content = read_gguf(path)
    config = gguf_config(content)
    return StoredSource(config, shown(content.file.name), dict(_renamed(content, config)))


def _renamed(content: GgufContent, config: ModelConfig) -> Iterator[tuple[str, StoredTensor]]:
    for stored_name, tensor in content.tensors.items():
        if stored_name.endswith(".bias"):
            raise EngineError(
                f"{shown(content.file.name)} holds the bias {shown(stored_name)}; models with biases are not supported"
            )
        if name := _transformers_name(stored_name):
            yield name, _in_transformers_order(name, tensor, config)


def _transformers_name(name: str) -> str | None:
    if match := _LAYER_NAME.fullmatch(name):
        layer, role = match.groups()
        return f"model.layers.{layer}.{_OF_LAYER[role]}.weight" if role in _OF_LAYER else None
    return _OF_MODEL.get(name)


def _in_transformers_order(name: str, tensor: StoredTensor, config: ModelConfig) -> StoredTensor:
    """Llama's queries and keys are stored with the two rows that rope turns together beside each other."""
    if config.architecture is not Architecture.LLAMA or not name.endswith(("q_proj.weight", "k_proj.weight")):
        return tensor
    heads = config.heads if name.endswith("q_proj.weight") else config.kv_heads
    if tensor.shape[0] != heads * config.head_dim:
        return tensor
    return replace(tensor, row_order=_half_split_order(heads, config.head_dim))


def _half_split_order(heads: int, head_dim: int) -> NDArray[np.intp]:
    """Of each head first the first rows of all pairs, then the second ones."""
    return np.arange(heads * head_dim).reshape(heads, head_dim // 2, 2).swapaxes(1, 2).reshape(-1)
