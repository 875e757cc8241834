"""`python -m engine run`: one workload, a few times; what profilers start."""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.fields import shown
from engine.files import check_new, check_replaceable, write_text
from engine.program.options import (
    add_context_option,
    add_model_options,
    check_finite,
    chosen_model,
    engine_options,
    positive,
    say,
    temperature,
)
from engine.terminal import print_text

if TYPE_CHECKING:
    from engine.progress import StageProgress
    from engine.run_document import Run

# Names the file that gets the run's document; set by whoever profiles.
MANIFEST_VARIABLE = "WB_WORKLOAD_MANIFEST"


def add_to(verbs: Any) -> None:
    """Adds the verb to a parser's."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "run",
        help="run one workload a few times",
        description="Runs one workload a few times. A document about the run is written to the file that the "
        f"environment variable {MANIFEST_VARIABLE} names.",
    )
    add_model_options(parser)
    add_context_option(parser)
    parser.add_argument("--workload", required=True, metavar="W1|W2|pp=N,tg=N", help="tokens of prompt, decode steps")
    parser.add_argument("--graphs", choices=["on", "off"], default="on", help="replay decode steps from a CUDA graph")
    parser.add_argument("--reps", type=positive, default=1, help="so many times (default: 1)")
    parser.add_argument("--temperature", type=temperature, default=0.0, help="0 takes the likeliest token (default)")
    parser.add_argument("--record", type=Path, metavar="FILE.sqlite", help="record operations of the NumPy backend")
    parser.set_defaults(call=call)


def call(parsed: argparse.Namespace, typed: Sequence[str]) -> int:
    """Runs the verb; the exit code."""
    from engine.run_document import run_document
    from engine.terminal import shown_progress

    target = os.environ.get(MANIFEST_VARIABLE)
    if target:
        check_replaceable(Path(target))
    if parsed.record:
        check_new(parsed.record)
    with shown_progress() as progress:
        finished = _run(parsed, typed, progress)
    check_finite(finished.measurement.logits)
    document = run_document(finished)
    if target:
        write_text(Path(target), json.dumps(document, indent=2, allow_nan=False) + "\n")
    print_text(_summary(finished, document))
    return 0


def _run(parsed: argparse.Namespace, typed: Sequence[str], progress: StageProgress) -> Run:
    from engine.annotation import profiler_ranges
    from engine.measurement import measure
    from engine.operations import Site
    from engine.run_document import Run
    from engine.runner import Limits
    from engine.session import choose_backend, open_engine, remarks, rounded_context
    from engine.workload import known_workload, random_prompt

    workload = known_workload(parsed.workload)
    options = engine_options(parsed, graphs=parsed.graphs == "on")
    backend = choose_backend(options.backend)
    if parsed.record and backend != "numpy":
        raise EngineError("--record records the NumPy backend alone; choose --backend numpy, or profile with nsys")
    choice = chosen_model(parsed)
    context = parsed.context or rounded_context(workload.context)
    Limits(context, options.chunk).check(workload.prompt_tokens, workload.decode_tokens)
    for remark in remarks(choice, options, context):
        say(remark)
    with _recording(parsed.record) as recorder:
        ranges = recorder or profiler_ranges()
        engine = open_engine(choice, options, context, ranges, progress, recorder.around if recorder else None)
        prompt = random_prompt(workload.prompt_tokens, choice.config.vocabulary, parsed.seed)
        measurement = measure(engine.runner, workload, prompt, parsed.reps, progress)
    device = None
    if engine.device:
        with ranges.work(Site("device", "measure")):
            device = replace(
                engine.device.describe(),
                copy_bytes_per_s=engine.device.measure_copy(),
                operations_per_s=engine.device.measure_products(),
            )
    return Run(engine, workload, measurement, device, typed)


def _recording(target: Path | None) -> Any:
    if target is None:
        return nullcontext()
    from engine.recorder.recorder import recording

    return recording(target)


def _summary(run: Run, document: dict[str, Any]) -> str:
    workload, measurement = run.workload, run.measurement
    prefill_s = statistics.median(measurement.prefill_ns) / 1e9
    step_s = statistics.median(measurement.decode_ns) / 1e9 / workload.decode_tokens
    weights, repetitions = document["weights"], len(measurement.prefill_ns)
    return (
        f"{shown(document['model']['name'])}, {shown(weights['source'])}, {weights['format']}, {run.engine.backend}: "
        f"prefill of {workload.prompt_tokens} in {prefill_s * 1e3:.2f} ms "
        f"({workload.prompt_tokens / prefill_s:,.0f} tok/s), "
        f"decode of {workload.decode_tokens} at {step_s * 1e3:.3f} ms a step ({1 / step_s:,.0f} tok/s)"
        f"{f'; medians of {repetitions}' if repetitions > 1 else ''}\n"
    )
