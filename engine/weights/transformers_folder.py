"""A model as transformers saves it: a folder with config.json and safetensors, in one file or several."""

from pathlib import Path

from engine.config import ModelConfig, from_transformers
from engine.errors import EngineError
from engine.fields import Fields, shown
from engine.weights.files import read_document
from engine.weights.safetensors_file import read_safetensors, require_inside
from engine.weights.stored import StoredSource, StoredTensor

CONFIG = "config.json"
_GENERATION = "generation_config.json"
_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_HEAD = "lm_head.weight"


def open_transformers_folder(folder: Path) -> StoredSource:
    """The weights of a transformers folder.

    Raises:
        EngineError: a file is missing or damaged, or the model is not supported.
    """
    tensors = _tensors(folder)
    config = _config(folder, has_head=_HEAD in tensors)
    for name in tensors:
        if name.endswith(".bias"):
            raise EngineError(
                f"{shown(folder.name)} holds the bias {shown(name)}; models with biases are not supported"
            )
    return StoredSource(config, shown(folder.resolve().name), tensors)


def _config(folder: Path, *, has_head: bool) -> ModelConfig:
    document = read_document(folder / CONFIG)
    if document.get("tie_word_embeddings") is None:
        document["tie_word_embeddings"] = not has_head
    path = folder / _GENERATION
    return from_transformers(document, read_document(path) if path.is_file() else {})


def _tensors(folder: Path) -> dict[str, StoredTensor]:
    if (folder / _SINGLE).exists():
        return read_safetensors(folder / _SINGLE)
    if (folder / _INDEX).exists():
        return _sharded(folder)
    raise EngineError(
        f"{shown(folder.resolve().name)} holds neither {_SINGLE} nor {_INDEX}; "
        "save the model with transformers' save_pretrained"
    )


def _sharded(folder: Path) -> dict[str, StoredTensor]:
    places = Fields(read_document(folder / _INDEX), _INDEX).fields("weight_map")
    if places is None:
        raise EngineError(f"{_INDEX} lacks weight_map; restore it")
    shards = {file: read_safetensors(folder / file) for file in _files(places)}
    tensors = {}
    for name, file in places.values.items():
        if name not in shards[file]:
            raise EngineError(
                f"{shown(file)} lacks the tensor {shown(name)}, which {_INDEX} places there; restore both"
            )
        tensors[name] = shards[file][name]
    return tensors


def _files(places: Fields) -> list[str]:
    return sorted({require_inside(file, _INDEX) for file in places.values.values()})
