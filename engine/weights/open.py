"""Finds out what kind of model lies at a path."""

from pathlib import Path

from engine.errors import EngineError
from engine.fields import shown
from engine.weights.files import map_file
from engine.weights.gguf_file import open_gguf_file
from engine.weights.gguf_reader import MAGIC
from engine.weights.source import WeightSource
from engine.weights.transformers_folder import CONFIG, open_transformers_folder


def open_source(path: Path) -> WeightSource:
    """The weights of a transformers folder or of a GGUF file.

    Raises:
        EngineError: there is neither, or it is damaged or not supported.
    """
    if is_gguf_file(path):
        return open_gguf_file(path)
    return open_transformers_folder(path)


def is_gguf_file(path: Path) -> bool:
    """Whether a GGUF file lies there, and no transformers folder.

    Raises:
        EngineError: there is neither.
    """
    if path.is_dir():
        if not (path / CONFIG).is_file():
            raise EngineError(f"the folder {shown(path)} holds no {CONFIG}; give a transformers folder or a GGUF file")
        return False
    if map_file(path).data[: len(MAGIC)].tobytes() != MAGIC:
        raise EngineError(f"{shown(path)} is no GGUF file; give one, or the folder of a transformers model")
    return True
