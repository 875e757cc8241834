"""What `wb baseline` and `wb gate` run: requests from what the user typed, and their measurements, one by one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.engine import engine_errors
from workbench.cli.measuring import (
    DEFAULT_CAPTURES,
    DEFAULT_PROCESSES,
    DEFAULT_REPETITIONS,
    Effort,
)
from workbench.cli.stages import Stages, say
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.gate.measured import MeasuredModel, Request

Processes = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help=f"Processes of benchmarks, one after the other; by default {DEFAULT_PROCESSES}, or as many as the "
        "baseline has.",
        show_default=False,
    ),
]
Repetitions = Annotated[
    int | None,
    typer.Option(
        "--reps",
        metavar="N",
        help=f"Of each bench in a process; by default {DEFAULT_REPETITIONS}, or as many as the baseline has.",
        show_default=False,
    ),
]
Captures = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        help=f"Captures with graphs on, and one more with graphs off; by default {DEFAULT_CAPTURES}, 0 for none. On "
        "a CPU one at most.",
        show_default=False,
    ),
]
Cooldown = Annotated[float, typer.Option(metavar="S", help="Seconds between processes.")]


def suite_requests(path: Path, template: "Request") -> "list[Request]":
    """A request for each line of a suite, as `wb bench --suite` reads it.

    Args:
        path: the file.
        template: what all of them have in common; its format is that of lines that name none.

    Raises:
        UserError: the file cannot be read, or a line makes no sense.
    """
    from engine.program.bench import read_suite

    with engine_errors("bench", "baseline record"):
        found = read_suite(path, template.weight_format)
    return [
        replace(template, model=one.model, weights=one.weights, weight_format=one.weight_format)
        for one in dict.fromkeys(found)
    ]


def effort_like(
    models: "Sequence[MeasuredModel]",
    processes: int | None,
    repetitions: int | None,
    captures: int | None,
    cooldown_s: float,
) -> Effort:
    """How much to run: as asked, else as was run for a baseline, else the defaults.

    A baseline that was imported tells of one process; as many as by default are run then.

    Raises:
        UserError: a number makes no sense.
    """
    from workbench.cli.measuring import check_effort

    before = max((len(number.samples_ns) for model in models for number in model.numbers), default=0)
    repeated = max((model.repetitions for model in models), default=0)
    effort = Effort(
        processes=(before if before > 1 else DEFAULT_PROCESSES) if processes is None else processes,
        repetitions=(repeated or DEFAULT_REPETITIONS) if repetitions is None else repetitions,
        captures=DEFAULT_CAPTURES if captures is None else captures,
        cooldown_s=cooldown_s,
    )
    check_effort(effort)
    return effort


def measure_all(requests: "Sequence[Request]", effort: Effort) -> "list[MeasuredModel]":
    """Measures models one after the other; what cannot be run is refused before any is.

    Raises:
        UserError: a model cannot be run, or what was measured of it cannot be.
    """
    from workbench.cli.measuring import measure, resolved

    requests = [resolved(request) for request in requests]
    if not requests:
        raise UserError("there is no model to measure; give --model, or --suite with a line a model")
    if len(set(requests)) < len(requests):
        raise UserError("a model is named twice; name it once")
    remarks = conditions_before(requests)
    with Stages() as stages:
        models = [measure(request, effort, stages) for request in requests]
    return [replace(model, remarks=(*model.remarks, *remarks)) for model in models]


def conditions_before(requests: "Sequence[Request]") -> tuple[str, ...]:
    """Says what would make times of this machine worse than they are, before anything is measured; remarks of it."""
    from workbench.cli.machine_state import depressions

    found = depressions() if any(request.backend == "cuda" for request in requests) else []
    for sentence in found:
        say(f"warning: {sentence}")
    return tuple(f"Before anything ran: {sentence}." for sentence in found)
