from engine.footprint import footprints, prefill_footprints
from engine.formats import FP16, Q8_0
from engine.parameters import matrix_parameters, parameters, step_weight_bytes, weight_bytes
from engine.registry import MODELS
from tests.unit.engine.engines import tiny

HIDDEN, INTERMEDIATE, LAYERS, Q, KV, VOCABULARY = 128, 384, 2, 128, 64, 512


def test_a_step_reads_every_weight_once_and_the_cache() -> None:
    model = tiny().runner.model
    roles = {role.role: role for role in footprints(model, FP16, 1, 100)}
    assert list(roles) == [
        "embed", "qkv_proj", "attention", "o_proj", "gate_up_proj", "down_proj", "lm_head", "sample",
    ]  # fmt: skip
    assert roles["embed"].bytes == HIDDEN * 4 + HIDDEN * 4
    qkv = (Q + 2 * KV) * HIDDEN
    assert roles["qkv_proj"].bytes == LAYERS * (qkv * 4 + (Q + 2 * KV + HIDDEN) * 4)
    assert roles["qkv_proj"].operations == LAYERS * 2 * qkv
    # Keys and values of 100 positions in two bytes each; queries, keys and values read, one row written.
    assert roles["attention"].bytes == LAYERS * (2 * 100 * KV * 2 + (2 * Q + 2 * KV) * 4)
    assert roles["attention"].operations == LAYERS * 100 * Q * 4
    assert roles["gate_up_proj"].operations == LAYERS * 2 * 2 * INTERMEDIATE * HIDDEN
    assert roles["lm_head"].bytes == VOCABULARY * HIDDEN * 4 + (VOCABULARY + HIDDEN) * 4
    assert roles["sample"].bytes == VOCABULARY * 4


def test_a_step_reads_the_weights_of_its_matrices() -> None:
    model = tiny(format_name="q8_0").runner.model
    roles = footprints(model, FP16, 1, 1)
    operations = sum(role.operations for role in roles if role.role.endswith("proj") or role.role == "lm_head")
    assert operations == 2 * (matrix_parameters(model.config) - VOCABULARY * HIDDEN)
    norms = (LAYERS * (2 * HIDDEN + 2 * 32) + HIDDEN) * 4
    assert step_weight_bytes(model) == Q8_0.size_bytes(operations // 2 // 32, 32) + norms
    assert weight_bytes(model) == step_weight_bytes(model) + Q8_0.size_bytes(VOCABULARY, HIDDEN)


def test_attention_of_a_chunk_sees_what_lies_before_each_row() -> None:
    model = tiny().runner.model
    attention = next(role for role in footprints(model, FP16, 3, 10) if role.role == "attention")
    assert attention.operations == LAYERS * (8 + 9 + 10) * Q * 4


def test_a_prompt_in_chunks_reads_weights_once_a_chunk_and_does_the_same_operations() -> None:
    model = tiny().runner.model
    whole = {role.role: role for role in prefill_footprints(model, FP16, 10, 10)}
    chunked = {role.role: role for role in prefill_footprints(model, FP16, 10, 4)}
    assert whole == {role.role: role for role in footprints(model, FP16, 10, 10)}
    assert {name: role.operations for name, role in whole.items()} == {
        name: role.operations for name, role in chunked.items()
    }
    weights = model.blocks[0].attention.output.size_bytes
    assert chunked["o_proj"].bytes - whole["o_proj"].bytes == 2 * LAYERS * weights
    assert chunked["lm_head"] == whole["lm_head"]
    assert chunked["attention"].bytes - whole["attention"].bytes == LAYERS * 2 * (4 + 8) * KV * 2


def test_the_registry_holds_models_of_the_sizes_in_their_names() -> None:
    billions = {name: parameters(config) / 1e9 for name, config in MODELS.items() if not name.startswith("tiny")}
    published = {
        "llama-3.2-1b": 1.24, "llama-3.2-3b": 3.21, "llama-3.1-8b": 8.03, "qwen3-0.6b": 0.60, "qwen3-1.7b": 1.72,
        "qwen3-4b": 4.02, "qwen3-8b": 8.19,
    }  # fmt: skip
    assert {name: round(size, 2) for name, size in billions.items()} == published
