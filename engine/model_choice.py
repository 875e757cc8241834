"""Which model is meant: its shape, where its weights come from, and in which formats they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assemble import ModelFormats, stored_formats
from engine.config import ModelConfig
from engine.errors import EngineError
from engine.fields import shown
from engine.files import shown_path
from engine.formats import FP32, Q8_0, WeightFormat, known_format
from engine.parameters import parameters
from engine.registry import MODELS, known_model

if TYPE_CHECKING:
    from engine.weights.source import WeightSource

SYNTHETIC = "synthetic"
# Below this, precision costs nothing.
_TINY_PARAMETERS = 10_000_000
# What two models must have in common for the weights of one to be those of the other.
_SHAPE = (
    "architecture", "hidden_size", "intermediate_size", "layers", "heads", "kv_heads", "head_dim", "vocabulary",
    "ties_embeddings",
)  # fmt: skip


@dataclass(frozen=True)
class ModelChoice:
    """A model, before its weights are loaded.

    Attributes:
        name: the registry's, or that of a file or folder.
        config: its shape.
        source: of its weights; None for seeded random ones.
        path: of the source's file or folder.
        formats: in which the weights are to be kept.
    """

    name: str
    config: ModelConfig
    source: WeightSource | None
    path: Path | None
    formats: ModelFormats


def choose_model(model: str, weights: str | None = None, weight_format: str | None = None) -> ModelChoice:
    """Finds a model.

    Args:
        model: a name in the registry, or the path of a transformers folder or a GGUF file.
        weights: `synthetic`, or a path; None takes the model's own path, else synthetic weights.
        weight_format: a format's name; None takes the stored formats, else Q8_0, and fp32 for tiny models.

    Raises:
        EngineError: there is no such model, format or file, or the weights are those of another shape.
    """
    if model in MODELS:
        name, shape, path = model, known_model(model), _weights_path(weights)
    else:
        path = _model_path(model)
        name, shape = _name(path), None
        if weights not in (None, SYNTHETIC):
            raise EngineError(
                f"{name} has weights of its own; give {shown(weights)} as --model, or leave out --weights"
            )
    if path is None:
        config = known_model(model)
        return ModelChoice(name, config, None, None, _synthetic_formats(config, weight_format))

    from engine.weights.open import open_source

    source = open_source(path)
    if shape:
        _check_shape(name, shape, source)
    if weights == SYNTHETIC:
        return ModelChoice(name, source.config, None, path, _synthetic_formats(source.config, weight_format))
    formats = _uniform(known_format(weight_format)) if weight_format else stored_formats(source)
    return ModelChoice(name, source.config, source, path, formats)


def _weights_path(weights: str | None) -> Path | None:
    if weights in (None, SYNTHETIC):
        return None
    path = Path(str(weights))
    if not weights:
        raise EngineError("the path of the weights is empty; name a GGUF file or a transformers folder")
    if not _exists(path):
        raise EngineError(f"there is no file or folder {shown_path(path)}; name a GGUF file or a transformers folder")
    return path


def _model_path(model: str) -> Path:
    path = Path(model)
    if not model:
        raise EngineError(f"the model's name is empty; give a path, or one of {', '.join(MODELS)}")
    if not _exists(path):
        known_model(model)
    return path


def _name(path: Path) -> str:
    """What a model at this path is called, fit to be shown."""
    try:
        return shown(path.resolve().name)
    except OSError as error:
        raise EngineError("the current folder was removed; go to another, and name the model's path") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _check_shape(name: str, expected: ModelConfig, source: WeightSource) -> None:
    for field in _SHAPE:
        wanted, found = getattr(expected, field), getattr(source.config, field)
        if wanted != found:
            raise EngineError(
                f"{source.description} has {field} {found}, and {name} has {wanted}; give the weights' own path as "
                "--model"
            )


def _synthetic_formats(config: ModelConfig, name: str | None) -> ModelFormats:
    if name:
        return _uniform(known_format(name))
    return _uniform(FP32 if parameters(config) < _TINY_PARAMETERS else Q8_0)


def _uniform(format_: WeightFormat) -> ModelFormats:
    return ModelFormats(format_, format_, format_)
