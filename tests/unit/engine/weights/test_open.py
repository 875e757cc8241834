import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.backends.numpy_backend import NumpyOperations
from engine.config import Architecture, Divisors
from engine.errors import EngineError
from engine.formats import BF16, FP16, FP32, Q8_0
from engine.weights import stored
from engine.weights.open import open_source
from tests.unit.engine.weights.builders import (
    ALL_FORMATS,
    CONFIGS,
    assert_same,
    random_tensors,
    tied,
    write_folder,
    write_gguf,
)

QWEN3 = CONFIGS[Architecture.QWEN3]


def assert_source_gives(source, tensors):
    for name, tensor in tensors.items():
        assert source.has(name)
        assert source.format_of(name) is tensor.format
        if len(tensor.shape) == 2:
            assert_same(source.matrix(name, *tensor.shape, tensor.format), tensor.parts)
        else:
            assert_array_equal(source.vector(name, *tensor.shape), tensor.format.unpack(tensor.parts)[0])


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("format_", [FP32, FP16, BF16], ids=lambda format_: format_.name)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
def test_a_folder_gives_back_what_was_written(tmp_path, config, format_, shards):
    tensors = random_tensors(config, format_)
    source = open_source(write_folder(tmp_path / "model", config, tensors, shards))
    assert source.config == config
    assert source.description == "model"
    assert_source_gives(source, tensors)


@pytest.mark.parametrize("format_", ALL_FORMATS, ids=lambda format_: format_.name)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
def test_a_gguf_file_gives_back_what_was_written(tmp_path, config, format_):
    tensors = random_tensors(config, format_)
    source = open_source(write_gguf(tmp_path / "model.gguf", config, tensors))
    wanted = replace(config, norm_epsilon=float(np.float32(config.norm_epsilon)))
    assert source.config == wanted
    assert source.description == "model.gguf"
    assert_source_gives(source, tensors)


@pytest.mark.parametrize("kind", ["folder", "gguf"])
def test_a_tied_model_has_no_head(tmp_path, kind):
    config = tied(QWEN3)
    tensors = random_tensors(config, BF16)
    path = tmp_path / "model"
    source = open_source(write_folder(path, config, tensors) if kind == "folder" else write_gguf(path, config, tensors))
    assert source.config.ties_embeddings
    assert not source.has("lm_head.weight")


def test_a_silent_config_is_tied_where_there_is_no_head(tmp_path):
    for config in (QWEN3, tied(QWEN3)):
        folder = write_folder(tmp_path / str(config.ties_embeddings), config, random_tensors(config, FP32))
        document = json.loads((folder / "config.json").read_text())
        del document["tie_word_embeddings"]
        (folder / "config.json").write_text(json.dumps(document))
        assert open_source(folder).config.ties_embeddings == config.ties_embeddings


def test_llama_scaling_of_a_gguf_file_is_its_divisors(tmp_path):
    config = CONFIGS[Architecture.LLAMA]
    divisors = tuple(np.linspace(1, 8, config.head_dim // 2).astype(np.float32).tolist())
    path = write_gguf(tmp_path / "model.gguf", config, random_tensors(config, FP32), divisors=divisors)
    assert open_source(path).config.rope.scaling == Divisors(divisors)


@pytest.mark.parametrize("wanted", ALL_FORMATS, ids=lambda format_: format_.name)
@pytest.mark.parametrize("format_", ALL_FORMATS, ids=lambda format_: format_.name)
def test_a_matrix_in_another_format_is_packed_chunk_by_chunk(tmp_path, monkeypatch, format_, wanted):
    monkeypatch.setattr(stored, "_CHUNK_BYTES", 5 * 4 * QWEN3.hidden_size)
    tensors = random_tensors(CONFIGS[Architecture.LLAMA], format_)
    source = open_source(write_gguf(tmp_path / "model.gguf", CONFIGS[Architecture.LLAMA], tensors))
    name = "model.layers.1.self_attn.q_proj.weight"
    parts = source.matrix(name, *tensors[name].shape, wanted)
    expected = tensors[name].parts if wanted is format_ else wanted.pack(format_.unpack(tensors[name].parts))
    assert_same(parts, expected)


def test_matrices_in_their_own_format_are_no_copies(tmp_path):
    tensors = random_tensors(QWEN3, BF16)
    source = open_source(write_folder(tmp_path / "model", QWEN3, tensors))
    values = source.matrix("lm_head.weight", QWEN3.vocabulary, QWEN3.hidden_size, BF16)["values"]
    assert not values.flags.owndata
    assert not values.flags.writeable


def test_weights_that_another_format_cannot_hold_are_refused(tmp_path):
    name, shape = "model.embed_tokens.weight", (QWEN3.vocabulary, QWEN3.hidden_size)
    for value, message in ((1e5, "too large for fp16"), (np.nan, "no finite number")):
        tensors = random_tensors(QWEN3, FP32)
        tensors[name].parts["values"][3, 4] = value
        source = open_source(write_folder(tmp_path / "model", QWEN3, tensors))
        assert_same(source.matrix(name, *shape, FP32), tensors[name].parts)
        with pytest.raises(EngineError, match=message):
            source.matrix(name, *shape, FP16)


def test_rows_that_are_no_whole_blocks_are_not_packed_in_blocks(tmp_path):
    config = replace(QWEN3, intermediate_size=80)
    source = open_source(write_folder(tmp_path / "model", config, random_tensors(config, FP32)))
    with pytest.raises(EngineError, match="rows of 80 weights"):
        source.matrix("model.layers.0.mlp.down_proj.weight", 64, 80, Q8_0)


def test_tensors_of_another_shape_and_missing_ones_are_refused(tmp_path):
    source = open_source(write_folder(tmp_path / "model", QWEN3, random_tensors(QWEN3, FP32)))
    with pytest.raises(EngineError, match=r"lm_head.weight in model.safetensors has the shape \(128, 64\)"):
        source.matrix("lm_head.weight", 64, 128, FP32)
    with pytest.raises(EngineError, match="model lacks the tensor lm_tail"):
        source.vector("lm_tail", 3)


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("GGU")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    for name, message in {
        "notes.txt": "is damaged|is no GGUF file",
        "empty": "is no GGUF file",
        "folder": "holds no config.json",
        "missing": "missing cannot be read",
        "\0": "cannot be read",
    }.items():
        with pytest.raises(EngineError, match=message):
            open_source(tmp_path / name)


@pytest.mark.parametrize("format_", ALL_FORMATS, ids=lambda format_: format_.name)
def test_what_the_reference_loaded_outlives_the_file(tmp_path, format_):
    tensors = random_tensors(QWEN3, format_)
    path = write_gguf(tmp_path / "model.gguf", QWEN3, tensors)
    source, ops = open_source(path), NumpyOperations()
    loaded = {}
    for name, tensor in tensors.items():
        if len(tensor.shape) == 2:
            rows, columns = tensor.shape
            matrix = ops.matrix(name, format_, (rows,), columns, source.matrix(name, rows, columns, format_))
            loaded[name] = matrix.parts["values"]
        else:
            loaded[name] = ops.vector(name, source.vector(name, *tensor.shape))
    path.write_bytes(b"")
    for name, tensor in tensors.items():
        assert_array_equal(loaded[name].reshape(-1), tensor.format.unpack(tensor.parts).reshape(-1))
