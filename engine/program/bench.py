"""`python -m engine bench`: speed of one model or several."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bench_tests import SUITES, choose_tests, left_out_remark
from engine.errors import EngineError
from engine.fields import shown
from engine.files import check_new, read_small_text, shown_path, write_text
from engine.program.options import add_model_options, engine_options, positive, say
from engine.program.parser import Parser
from engine.program.processes import engine_process
from engine.terminal import print_text

if TYPE_CHECKING:
    from engine.bench import BenchPlan

_GRAPHS = {"on": (True,), "off": (False,), "both": (True, False)}
DEFAULT_REPETITIONS = 5
_MOST_SUITE_BYTES = 1 << 20
_DESCRIPTION = """\
Times prefill and decode. With --tests
  default  prefill of 128, 512 and 4096 tokens (pp128 ...), decode of 128 behind one token (tg128)
  long     prefill of 1024, 2048, 4096 and 8192, decode of 256 behind 1024, 4096 and 8192 (tg256@1024 ...)
  all      both
Of the long tests those are left out, and named, that need more tokens than the model was made for; the default ones
are for every model. A prompt that is decoded behind is read once, and every repetition goes back to its end.

The JSON document holds times (of all processes, and of each), memory, the greedy answer to a fixed prompt of 64 tokens
that follow from the seed, untimed, and the GPU's state while it decodes, as the driver tells it (clock, power, other
processes); what is unknown is null."""


@dataclass(frozen=True)
class Candidate:
    """A model to be timed, as it was typed."""

    model: str
    weights: str | None
    weight_format: str | None


@dataclass(frozen=True)
class Outcome:
    """A model's entry in the document, or why there is none."""

    entry: dict[str, Any] | None
    failure: str | None


def add_to(verbs: Any) -> None:
    """Adds the verb to a parser's."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "bench",
        help="time prefill and decode",
        description=_DESCRIPTION,
    )
    add_model_options(parser, several=True)
    parser.add_argument(
        "--suite", type=Path, metavar="FILE", help="a line a model: MODEL [--weights W] [--weight-format F]"
    )
    parser.add_argument("--tests", choices=list(SUITES), default="default", help="what is timed; see above")
    parser.add_argument(
        "--graphs", choices=list(_GRAPHS), default="on", help="decode with CUDA graphs, without, or both"
    )
    parser.add_argument("--reps", type=positive, default=DEFAULT_REPETITIONS, help="of each test (default: 5)")
    parser.add_argument("--processes", type=positive, default=1, help="so many processes, one after the other")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="what is printed")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json", help="write the JSON document, too")
    parser.set_defaults(call=call)


def call(parsed: argparse.Namespace, typed: Sequence[str]) -> int:
    """Runs the verb; the exit code, which is not 0 where any model failed."""
    from engine.bench_document import bench_document
    from engine.bench_table import bench_table

    if parsed.output:
        check_new(parsed.output)
    candidates = _candidates(parsed)
    alone = len(candidates) == 1 and parsed.processes == 1
    outcomes = {
        candidate: _measure_here(parsed, candidate) if alone else _measure_elsewhere(parsed, candidate)
        for candidate in candidates
    }
    failures = [
        {"model": candidate.model, "message": outcome.failure}
        for candidate, outcome in outcomes.items()
        if outcome.failure
    ]
    document = bench_document(
        [outcome.entry for outcome in outcomes.values() if outcome.entry],
        failures,
        repetitions=parsed.reps,
        processes=parsed.processes,
        flags=typed,
    )
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    if parsed.output and document["models"]:
        write_text(parsed.output, text)
    print_text(text if parsed.format == "json" else bench_table(document))
    for failure in failures:
        say(failure["message"] if alone else f"{shown(failure['model'])}: {failure['message']}")
    return EngineError.exit_code if failures else 0


def _candidates(parsed: argparse.Namespace) -> list[Candidate]:
    """The models to be timed, each once.

    Raises:
        EngineError: there is none, or the suite cannot be read.
    """
    if parsed.weights and (parsed.suite or len(parsed.model) > 1):
        raise EngineError("--weights are those of one model; name several in a suite, each with its own")
    found = [Candidate(model, parsed.weights, parsed.weight_format) for model in parsed.model]
    if parsed.suite:
        found += read_suite(parsed.suite, parsed.weight_format)
    if not found:
        raise EngineError("there is no model to time; give --model, or --suite with a line a model")
    return list(dict.fromkeys(found))


def read_suite(path: Path, weight_format: str | None) -> list[Candidate]:
    """The models of a suite, line by line; `weight_format` is that of lines that name none.

    Raises:
        EngineError: the file cannot be read, or a line makes no sense.
    """
    line_parser = Parser(prog="python -m engine bench", add_help=False)
    line_parser.add_argument("model")
    line_parser.add_argument("--weights")
    line_parser.add_argument("--weight-format", default=weight_format)
    try:
        lines = read_small_text(path, _MOST_SUITE_BYTES).splitlines()
    except (OSError, UnicodeError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or error
        raise EngineError(
            f"{shown_path(path)} cannot be read ({said}); name a text file with a line a model"
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                entry = line_parser.parse_args(words)
                found.append(Candidate(entry.model, entry.weights, entry.weight_format))
        except (ValueError, EngineError) as error:
            raise EngineError(f"line {number} of {shown_path(path)} makes no sense: {error}") from error
    return found


def _plan(parsed: argparse.Namespace, context: int) -> BenchPlan:
    from engine.bench import BenchPlan

    tests, left_out = choose_tests(parsed.tests, context)
    return BenchPlan(tests, left_out, parsed.reps, _GRAPHS[parsed.graphs])


def _measure_here(parsed: argparse.Namespace, candidate: Candidate) -> Outcome:
    from engine.bench import bench_model
    from engine.model_choice import choose_model
    from engine.session import remarks
    from engine.terminal import shown_progress

    options = engine_options(parsed, graphs=parsed.graphs != "off")
    try:
        choice = choose_model(candidate.model, candidate.weights, candidate.weight_format)
        plan = _plan(parsed, choice.config.context)
        for remark in remarks(choice, options, plan.context):
            say(remark)
        if plan.left_out:
            say(f"{choice.name}: {left_out_remark(plan.left_out)}")
        with shown_progress() as progress:
            return Outcome(bench_model(choice, options, plan, progress), None)
    except EngineError as error:
        return Outcome(None, str(error))
    except MemoryError:
        return Outcome(None, "memory does not suffice; choose a smaller model or chunk")


def _measure_elsewhere(parsed: argparse.Namespace, candidate: Candidate) -> Outcome:
    """Times a model in processes of its own, which give all memory back, whatever happens to them."""
    from engine.bench_document import pooled

    entries = []
    for _ in range(parsed.processes):
        outcome = _measure_in_process(_arguments(parsed, candidate))
        if outcome.entry is None:
            return outcome
        entries.append(outcome.entry)
    return Outcome(pooled(entries), None)


def _measure_in_process(arguments: Sequence[str]) -> Outcome:
    process = engine_process(arguments)
    try:
        document = json.loads(process.stdout)
        if document["failures"]:
            return Outcome(None, document["failures"][0]["message"])
        return Outcome(document["models"][0], None)
    except (ValueError, LookupError, TypeError):
        return Outcome(None, f"its process {_ending(process.returncode)} before it had said anything; see above")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _arguments(parsed: argparse.Namespace, candidate: Candidate) -> list[str]:
    """The arguments by which another process times one model once."""
    options = {
        "--model": candidate.model,
        "--weights": candidate.weights,
        "--weight-format": candidate.weight_format,
        "--backend": parsed.backend,
        "--seed": parsed.seed,
        "--chunk": parsed.chunk,
        "--tests": parsed.tests,
        "--graphs": parsed.graphs,
        "--reps": parsed.reps,
        "--format": "json",
    }
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    return ["bench", *given, *(f"--variant={variant}" for variant in parsed.variant)]
