import dataclasses
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.formats import BF16, FP16, FP32, Q8_0
from engine.model_choice import choose_model
from engine.registry import MODELS
from tests.unit.engine.weights.builders import random_tensors, write_folder, write_gguf

TINY = MODELS["tiny-qwen3"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine", TINY, random_tensors(TINY, BF16))


def test_a_name_alone_means_synthetic_weights() -> None:
    large, tiny = choose_model("qwen3-4b"), choose_model("tiny-llama", "synthetic")
    assert (large.source, large.path, large.config) == (None, None, MODELS["qwen3-4b"])
    assert large.formats.layers is large.formats.embedding is large.formats.head is Q8_0
    assert tiny.formats.layers is FP32
    assert choose_model("tiny-llama", None, "fp16").formats.head is FP16


def test_a_path_means_the_weights_that_lie_there_as_they_are_stored(folder: Path) -> None:
    choice = choose_model(str(folder))
    assert choice.source
    assert (choice.name, choice.path, choice.formats.layers) == ("mine", folder, BF16)
    assert choice.config.hidden_size == TINY.hidden_size
    assert choose_model(str(folder), None, "q8_0").formats.layers is Q8_0
    assert choose_model(str(folder), None, "Q8_0").formats.layers is Q8_0


def test_a_gguf_file_is_a_model_too(tmp_path: Path) -> None:
    shape = dataclasses.replace(TINY, stop_tokens=(3, 4), start_token=1)
    path = write_gguf(tmp_path / "mine.gguf", shape, random_tensors(shape, Q8_0))
    choice = choose_model(str(path))
    assert (choice.name, choice.formats.layers) == ("mine.gguf", Q8_0)


def test_a_name_may_get_weights_of_its_shape(folder: Path) -> None:
    choice = choose_model("tiny-qwen3", str(folder))
    assert choice.source
    assert (choice.name, choice.formats.layers) == ("tiny-qwen3", BF16)


def test_a_path_may_give_its_shape_alone(folder: Path) -> None:
    choice = choose_model(str(folder), "synthetic")
    assert (choice.name, choice.source, choice.path, choice.formats.layers) == ("mine", None, folder, FP32)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    wider = dataclasses.replace(TINY, intermediate_size=416)
    path = write_folder(tmp_path / "wider", wider, random_tensors(wider, BF16))
    with pytest.raises(EngineError) as error:
        choose_model("tiny-qwen3", str(path))
    assert str(error.value) == (
        "wider has intermediate_size 416, and tiny-qwen3 has 384; give the weights' own path as --model"
    )


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(EngineError, match="there is no model qwen5, and no file or folder of that name; known are"):
        choose_model("qwen5")
    with pytest.raises(EngineError, match="there is no file or folder nowhere"):
        choose_model("tiny-qwen3", "nowhere")
    with pytest.raises(EngineError, match=r"there is no model a\?b"):
        choose_model("a\0b")
    with pytest.raises(EngineError, match="weight format q3 is not supported"):
        choose_model("tiny-qwen3", None, "q3")


def test_a_model_has_one_set_of_weights(folder: Path) -> None:
    with pytest.raises(EngineError, match="mine has weights of its own; give other as --model"):
        choose_model(str(folder), "other")
