"""Small engines for tests."""

from engine.annotation import Ranges
from engine.formats import FORMATS
from engine.model_choice import ModelChoice, choose_model
from engine.operations import Sampling
from engine.progress import silent
from engine.session import Engine, EngineOptions, open_engine
from engine.wrapping import Around


def tiny(
    name: str = "tiny-qwen3",
    format_name: str | None = None,
    *,
    context: int = 256,
    chunk: int = 64,
    sampling: Sampling | None = None,
    ranges: Ranges | None = None,
    around: Around | None = None,
) -> Engine:
    assert format_name is None or format_name in FORMATS
    options = EngineOptions(backend="numpy", chunk=chunk, sampling=sampling or Sampling())
    return open_engine(choice(name, format_name), options, context, ranges or Ranges(), silent, around)


def choice(name: str = "tiny-qwen3", format_name: str | None = None) -> ModelChoice:
    return choose_model(name, None, format_name)
