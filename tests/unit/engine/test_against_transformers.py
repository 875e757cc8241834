"""Logits equal those of transformers, which is another program, in single precision."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.annotation import Ranges
from engine.assemble import Assembly, assemble, stored_formats
from engine.backends.numpy_backend import NumpyOperations
from engine.formats import BF16, FP16, FP32, Q8_0
from engine.operations import Sampling
from engine.runner import Limits, Runner, RunnerOptions
from engine.weights.open import open_source
from tests.unit.engine.weights.builders import CONFIGS, Tensor, config_document, random_tensors, write_gguf

torch = pytest.importorskip("torch", reason="needs torch and transformers: pip install -e '.[oracle]'")
transformers = pytest.importorskip("transformers", reason="needs torch and transformers: pip install -e '.[oracle]'")

TOLERANCE = 1e-4
CONTEXT = 128
PROMPT = np.random.default_rng(7).integers(0, 128, 50).tolist()
STEPS = 6
LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
DEFAULT = {"rope_type": "default", "rope_theta": 50_000.0}


@dataclass(frozen=True)
class Oracle:
    """A model of transformers, where it is saved, and what it says."""

    model: Any
    folder: Path
    expected: list[np.ndarray]
    tokens: list[int]


def tiny(kind: str, rope: dict[str, Any], *, ties: bool) -> Any:
    """A model whose norms are not all ones and whose attention is not flat, as after `from_config` alone."""
    config = {"llama": transformers.LlamaConfig, "qwen3": transformers.Qwen3Config}[kind](
        vocab_size=128,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        rope_parameters=rope,
        tie_word_embeddings=ties,
        bos_token_id=1,
        eos_token_id=[2, 5],
        attn_implementation="eager",
    )
    torch.manual_seed(11)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(1 + 0.3 * torch.randn_like(weight) if "norm" in name else 0.15 * torch.randn_like(weight))
    return model


def expectations(model: Any) -> tuple[list[np.ndarray], list[int]]:
    """Logits behind the prompt and behind each greedy step, by transformers' own cache."""
    logits, tokens, ids, cache = [], [], torch.tensor([PROMPT]), None
    for _ in range(STEPS):
        with torch.no_grad():
            out = model(ids, past_key_values=cache, use_cache=True)
        cache, last = out.past_key_values, out.logits[0, -1]
        logits.append(last.numpy())
        tokens.append(int(last.argmax()))
        ids = torch.tensor([tokens[-1:]])
    return logits, tokens


@pytest.fixture(scope="module", params=["llama", "llama-3", "qwen3", "qwen3-tied"])
def oracle(request, tmp_path_factory):
    kind, _, variant = request.param.partition("-")
    model = tiny(kind, LLAMA_3 if variant == "3" else DEFAULT, ties=variant == "tied")
    folder = tmp_path_factory.mktemp("models") / request.param
    model.save_pretrained(folder)
    return Oracle(model, folder, *expectations(model))


def runner_of(path: Path, chunk: int) -> Runner:
    source, ops = open_source(path), NumpyOperations()
    model = assemble(Assembly(ops, source.config, stored_formats(source), source, 0), lambda done, total: None)
    options = RunnerOptions(Limits(CONTEXT, chunk), FP32, Sampling(), graphs=False)
    return Runner(ops, model, options, Ranges())


def assert_logits_agree(runner: Runner, oracle: Oracle, tolerance: float = TOLERANCE) -> None:
    runner.prefill(PROMPT)
    for step, expected in enumerate(oracle.expected):
        if step:
            runner.decode(step - 1)
        difference = np.abs(runner.logits() - expected).max() / np.abs(expected).max()
        assert difference < tolerance, f"after {step} steps"
    assert runner.tokens(STEPS) == oracle.tokens


@pytest.mark.parametrize("chunk", [1, 7, 16, 49, 50, 64])
def test_prefill_and_cached_decode_agree_in_chunks_of_any_size(oracle, chunk):
    assert_logits_agree(runner_of(oracle.folder, chunk), oracle)


def test_a_sharded_folder_agrees(oracle, tmp_path):
    oracle.model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert_logits_agree(runner_of(tmp_path, 16), oracle)


def test_config_files_of_yesterday_agree(oracle, tmp_path):
    oracle.model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    document = json.loads(path.read_text())
    rope = document.pop("rope_parameters")
    document["rope_theta"] = rope.pop("rope_theta")
    document["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    path.write_text(json.dumps(document))
    assert open_source(tmp_path).config == open_source(oracle.folder).config
    assert_logits_agree(runner_of(tmp_path, 16), oracle)


def test_a_gguf_file_agrees(oracle, tmp_path):
    config = open_source(oracle.folder).config
    rotary = oracle.model.model.rotary_emb.inv_freq.numpy().astype(np.float64)
    plain = config.rope.theta ** -(np.arange(0, config.head_dim, 2) / config.head_dim)
    weights = {
        name: Tensor(FP32, {"values": np.atleast_2d(weight.detach().numpy())}, tuple(weight.shape))
        for name, weight in oracle.model.named_parameters()
    }
    path = write_gguf(
        tmp_path / "model.gguf", config, weights, divisors=plain / rotary if config.rope.scaling else None
    )
    assert_logits_agree(runner_of(path, 16), oracle)


@pytest.mark.parametrize("format_", [FP32, BF16, FP16, Q8_0], ids=lambda format_: format_.name)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
def test_gguf_weights_are_those_that_transformers_reads(tmp_path, config, format_):
    pytest.importorskip("accelerate", reason="transformers reads GGUF files only with accelerate")
    path = write_gguf(tmp_path / "model.gguf", config, random_tensors(config, format_))
    document = config_document(config)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path,
        gguf_file=path.name,
        config=transformers.AutoConfig.for_model(document.pop("model_type"), **document),
        dtype=torch.float32,
    )
    source = open_source(path)
    for name, weight in model.named_parameters():
        expected = weight.detach().numpy()
        if expected.ndim == 2:
            stored = source.format_of(name)
            ours = stored.unpack(source.matrix(name, *expected.shape, stored))
        else:
            ours = source.vector(name, *expected.shape)
        np.testing.assert_array_equal(ours, expected, err_msg=name)
