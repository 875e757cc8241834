"""Options that several verbs have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.fields import shown
from engine.terminal import print_remark, sentence
from engine.variants import STORIES, known_variants

if TYPE_CHECKING:
    from engine.formats.format import FloatArray
    from engine.model_choice import ModelChoice
    from engine.session import EngineOptions

DEFAULT_SEED = 42
# Logits are divided by it in single precision.
_LEAST_TEMPERATURE = 1e-4


def add_model_options(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Which model, and how it is run."""
    model = "a name in the registry, or the path of a transformers folder or a GGUF file"
    if several:
        parser.add_argument("--model", metavar="NAME|PATH", action="append", default=[], help=f"{model}; repeatable")
    else:
        parser.add_argument("--model", metavar="NAME|PATH", required=True, help=model)
    parser.add_argument(
        "--weights",
        metavar="synthetic|PATH",
        help="seeded random weights of the model's shape (what a name in the registry means by itself), or a path",
    )
    parser.add_argument("--weight-format", metavar="FORMAT", help="fp32, bf16, fp16 or q8_0; as stored by default")
    parser.add_argument("--backend", choices=["auto", "cuda", "numpy"], default="auto", help="a GPU where there is one")
    parser.add_argument(
        "--variant", metavar="VARIANT", action="append", default=[], help="run without an optimisation; repeatable"
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _variants()
    parser.add_argument("--seed", type=whole, default=DEFAULT_SEED, help="of weights, prompt and sampling")
    parser.add_argument("--chunk", type=positive, metavar="TOKENS", help="read prompts so many tokens at a time")


def _variants() -> str:
    """What each variant costs, and why someone would have written it so."""
    lines = [f"  {variant}\n    {story.cost}\n    {story.reason}" for variant, story in STORIES.items()]
    return "\n".join(["variants, off by default, which give the same results:", *lines])


def add_context_option(parser: argparse.ArgumentParser) -> None:
    """How long a sequence may be."""
    parser.add_argument("--context", type=positive, metavar="TOKENS", help="room for prompt and answer together")


def whole(text: str) -> int:
    """A number of 0 or more, of at most 63 bits."""
    if not text.isdecimal() or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number of 0 or more")
    return int(text)


def positive(text: str) -> int:
    """A number of 1 or more that a size can be."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number of 1 or more")
    return int(text)


def count(text: str) -> int:
    """A number of 0 or more that a kernel can take."""
    if not text.isdecimal() or int(text) >= 1 << 31:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number from 0 to {(1 << 31) - 1}")
    return int(text)


def temperature(text: str) -> float:
    """0, or what logits can be divided by in single precision."""
    value = decimal(text)
    if 0 < value < _LEAST_TEMPERATURE:
        raise argparse.ArgumentTypeError(f"{shown(text)} is too small a temperature; 0 takes the likeliest token")
    return value


def decimal(text: str) -> float:
    """A number of 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number of 0 or more")
    return value


def share(text: str) -> float:
    """A number above 0, up to 1."""
    value = decimal(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number above 0, up to 1")
    return value


def chosen_model(parsed: argparse.Namespace) -> ModelChoice:
    """The model that is asked for."""
    from engine.model_choice import choose_model

    return choose_model(parsed.model, parsed.weights, parsed.weight_format)


def say(text: str) -> None:
    """A remark on standard error."""
    print_remark(f"engine: {sentence(text)}\n")


def check_finite(logits: FloatArray) -> None:
    """Warns where an answer means nothing."""
    import numpy as np

    if not np.isfinite(logits).all():
        say("the logits are not finite: the weights are damaged or overflow")


def engine_options(parsed: argparse.Namespace, *, graphs: bool) -> EngineOptions:
    """How it is to be run; sampling where the verb has options for it."""
    from engine.operations import Sampling
    from engine.session import DEFAULT_CHUNK, EngineOptions

    sampling = Sampling(
        temperature=getattr(parsed, "temperature", 0.0),
        top_k=getattr(parsed, "top_k", 0),
        top_p=getattr(parsed, "top_p", 1.0),
        seed=parsed.seed,
    )
    return EngineOptions(
        backend=parsed.backend,
        graphs=graphs,
        variants=known_variants(parsed.variant),
        chunk=parsed.chunk or DEFAULT_CHUNK,
        sampling=sampling,
        seed=parsed.seed,
    )
