"""Asks a real model a question whose answer is known."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.engine import engine_environment, engine_errors
from workbench.cli.engine_processes import run_verb
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.gate.measured import Request
    from workbench.gate.verdict import GateResult


def vocabulary_of(path: Path) -> int:
    """How many tokens a model with real weights knows.

    Raises:
        UserError: there is no such model, or it cannot be read.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; name a model with real weights with --probe")
    with engine_errors():
        from engine.model_choice import choose_model

        return choose_model(str(path)).config.vocabulary


def probe(path: Path, prompt: str, word: str, request: "Request") -> "GateResult":
    """Lets a model answer greedily, and judges the answer.

    Args:
        path: a transformers folder or a GGUF file.
        prompt: what it is asked.
        word: what the answer must hold.
        request: how models are run here: backend, variants, chunk.

    Raises:
        UserError: there is no such model, or it cannot be run.
    """
    from workbench.gate.probe import TOKENS, ProbeAnswer, judge

    vocabulary = vocabulary_of(path)
    options = {
        "model": str(path),
        "backend": request.backend,
        "variant": request.variants,
        "chunk": request.chunk,
        "prompt": prompt,
        "max-tokens": TOKENS,
        "format": "json",
    }
    text = run_verb("generate", options, engine_environment(os.environ), path.name)
    try:
        answer = json.loads(text)
        found = ProbeAnswer(vocabulary, tuple(map(int, answer["tokens"])), str(answer["text"]))
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"what the engine answers for {path.name} is not understood ({error!r})") from error
    return judge(found, word)
