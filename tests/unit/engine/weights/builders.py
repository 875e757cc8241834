"""Writes tiny models as transformers and llama.cpp's converter do, with the libraries of those formats."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save

from engine.config import Architecture, ModelConfig, Rope
from engine.formats import BF16, FORMATS, FP32, Parts, WeightFormat

CONFIGS = {
    architecture: ModelConfig(
        architecture=architecture,
        hidden_size=64,
        intermediate_size=96,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=32,
        vocabulary=128,
        norm_epsilon=1e-5,
        rope=Rope(10_000.0),
        context=256,
        ties_embeddings=False,
        stop_tokens=(2, 5),
        start_token=1,
    )
    for architecture in Architecture
}
GGUF_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}
TYPES = {"fp32": "F32", "fp16": "F16", "bf16": "BF16", "q8_0": "Q8_0"}


@dataclass(frozen=True)
class Tensor:
    """What was written: by transformers' layout of rows."""

    format: WeightFormat
    parts: Parts
    shape: tuple[int, ...]

    def bytes_in(self, row_order: np.ndarray | None = None) -> np.ndarray:
        parts = self.parts if row_order is None else {name: part[row_order] for name, part in self.parts.items()}
        if self.format.name != "q8_0":
            return np.ascontiguousarray(parts["values"]).view(np.uint8)
        rows = len(parts["values"])
        blocks = np.zeros((rows, self.shape[-1] // 32), np.dtype([("scale", "<f2"), ("values", "i1", 32)]))
        blocks["scale"], blocks["values"] = parts["scales"], parts["values"].reshape(rows, -1, 32)
        return blocks.view(np.uint8).reshape(rows, -1)


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config.vocabulary, config.hidden_size)}
    for layer in range(config.layers):
        of_layer = {
            "input_layernorm": (config.hidden_size,),
            "self_attn.q_proj": (config.q_size, config.hidden_size),
            "self_attn.k_proj": (config.kv_size, config.hidden_size),
            "self_attn.v_proj": (config.kv_size, config.hidden_size),
            "self_attn.o_proj": (config.hidden_size, config.q_size),
            "post_attention_layernorm": (config.hidden_size,),
            "mlp.gate_proj": (config.intermediate_size, config.hidden_size),
            "mlp.up_proj": (config.intermediate_size, config.hidden_size),
            "mlp.down_proj": (config.hidden_size, config.intermediate_size),
        }
        if config.has_qk_norm:
            of_layer |= {"self_attn.q_norm": (config.head_dim,), "self_attn.k_norm": (config.head_dim,)}
        found |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in of_layer.items()}
    found["model.norm.weight"] = (config.hidden_size,)
    if not config.ties_embeddings:
        found["lm_head.weight"] = (config.vocabulary, config.hidden_size)
    return found


def random_tensors(config: ModelConfig, format_: WeightFormat, seed: int = 0) -> dict[str, Tensor]:
    """Matrices in `format_`; vectors in single precision, or in bfloat16 where the matrices are."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes(config).items():
        of_tensor = format_ if len(shape) == 2 or format_ is BF16 else FP32
        values = generator.normal(0, 0.3, (1, *shape)[-2:]).astype(np.float32)
        tensors[name] = Tensor(of_tensor, of_tensor.pack(values), shape)
    return tensors


def config_document(config: ModelConfig) -> dict[str, object]:
    return {
        "model_type": str(config.architecture),
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocabulary,
        "rms_norm_eps": config.norm_epsilon,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope.theta},
        "max_position_embeddings": config.context,
        "tie_word_embeddings": config.ties_embeddings,
        "eos_token_id": list(config.stop_tokens),
        "bos_token_id": config.start_token,
    }


def write_folder(folder: Path, config: ModelConfig, tensors: dict[str, Tensor], shards: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_document(config)))
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors)
        return folder
    names = list(tensors)
    places = {name: f"model-{index % shards + 1:05}-of-{shards:05}.safetensors" for index, name in enumerate(names)}
    for file in sorted(set(places.values())):
        write_safetensors(folder / file, {name: tensors[name] for name in names if places[name] == file})
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    arrays = {name: np.ascontiguousarray(each.parts["values"]).reshape(each.shape) for name, each in tensors.items()}
    data = save(arrays, {"format": "pt"})
    start = 8 + int.from_bytes(data[:8], "little")
    # NumPy knows no bfloat16, so the library was given its bits.
    header = data[8:start].replace(b'"U16"', b'"BF16"')
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[start:])


def write_gguf(path: Path, config: ModelConfig, tensors: dict[str, Tensor], *, divisors: object = None) -> Path:
    writer = gguf.GGUFWriter(path, str(config.architecture))
    writer.add_block_count(config.layers)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_rope_freq_base(config.rope.theta)
    writer.add_eos_token_id(config.stop_tokens[0])
    writer.add_eot_token_id(config.stop_tokens[1])
    writer.add_bos_token_id(config.start_token)
    if divisors is not None:
        writer.add_tensor("rope_freqs.weight", np.asarray(divisors, np.float32))
    for name, tensor in tensors.items():
        raw = tensor.bytes_in(interleaved(name, config))
        type_ = gguf.GGMLQuantizationType[TYPES[tensor.format.name]]
        writer.add_tensor(gguf_name(name), raw if len(tensor.shape) == 2 else raw.reshape(-1), raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gguf_name(name: str) -> str:
    for theirs, ours in GGUF_NAMES.items():
        if name.endswith(f"{theirs}.weight"):
            layer = name.split(".")[2] if name.startswith("model.layers.") else None
            return f"{ours}.weight" if layer is None else f"blk.{layer}.{ours}.weight"
    raise KeyError(name)


def interleaved(name: str, config: ModelConfig) -> np.ndarray | None:
    """Where llama.cpp's converter takes each row of Llama's queries and keys from."""
    if config.architecture is not Architecture.LLAMA or not name.endswith(("q_proj.weight", "k_proj.weight")):
        return None
    heads = config.heads if name.endswith("q_proj.weight") else config.kv_heads
    half = config.head_dim // 2
    return np.arange(heads * 2 * half).reshape(heads, 2, half).swapaxes(1, 2).reshape(-1)


def tied(config: ModelConfig) -> ModelConfig:
    return replace(config, ties_embeddings=True)


def assert_same(parts: Parts, wanted: Parts) -> None:
    assert set(parts) == set(wanted)
    for name, part in parts.items():
        assert part.dtype == wanted[name].dtype
        np.testing.assert_array_equal(part.view(np.uint8), wanted[name].view(np.uint8))


ALL_FORMATS = list(FORMATS.values())
