"""`python -m engine generate`: answers a prompt."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.program.options import (
    add_context_option,
    add_model_options,
    check_finite,
    chosen_model,
    count,
    engine_options,
    positive,
    say,
    share,
    temperature,
)
from engine.terminal import harmless, print_text

if TYPE_CHECKING:
    from engine.generation import Request
    from engine.runner import Runner

DEFAULT_MAX_TOKENS = 128


def add_to(verbs: Any) -> None:
    """Adds the verb to a parser's."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "generate", help="answer a prompt", description="Answers a prompt, and prints tokens as they come."
    )
    add_model_options(parser)
    add_context_option(parser)
    parser.add_argument("--prompt", required=True, help="the text to go on with")
    parser.add_argument("--max-tokens", type=positive, default=DEFAULT_MAX_TOKENS, help="at most (default: 128)")
    parser.add_argument("--temperature", type=temperature, default=0.0, help="0 takes the likeliest token (default)")
    parser.add_argument("--top-k", type=count, default=0, help="only so many of the likeliest; 0 for all (default)")
    parser.add_argument("--top-p", type=share, default=1.0, help="only the likeliest that hold this probability")
    parser.add_argument("--graphs", choices=["on", "off"], default="on", help="replay decode steps from a CUDA graph")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="json prints one object at the end")
    parser.set_defaults(call=call)


def call(parsed: argparse.Namespace, _typed: Sequence[str]) -> int:
    """Runs the verb; the exit code."""
    from engine.annotation import profiler_ranges
    from engine.generation import make_request
    from engine.runner import Limits
    from engine.session import open_engine, remarks
    from engine.terminal import shown_progress

    choice = chosen_model(parsed)
    options = engine_options(parsed, graphs=parsed.graphs == "on")
    request = make_request(choice, parsed.prompt, parsed.max_tokens)
    context = parsed.context or min(choice.config.context, request.context)
    Limits(context, options.chunk).check(len(request.prompt_tokens), request.max_tokens)
    for remark in remarks(choice, options, context, timed=False):
        say(remark)
    if choice.path is None:
        say(f"{choice.name} has no vocabulary without a path: its tokens are bytes, and [n] for those from 256 on")
    with shown_progress() as progress:
        engine = open_engine(choice, options, context, profiler_ranges(), progress)
        progress("warming up", 0, 1)
        engine.runner.warm_up(())
        progress("warming up", 1, 1)
    _write(parsed.format, engine.runner, request)
    check_finite(engine.runner.logits())
    return 0


def _write(format_: str, runner: Runner, request: Request) -> None:
    from engine.generation import answer, collect

    pieces = answer(runner, request)
    if format_ == "json":
        # Whatever an answer holds, JSON's escapes make harmless.
        print_text(json.dumps(asdict(collect(request, pieces)), ensure_ascii=True) + "\n")
        return
    for piece in pieces:
        print_text(harmless(piece.text))
    print_text("\n")
