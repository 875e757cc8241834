"""`wb profile`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.model_options import Backend, Chunk, Context, Seed, Variants, WeightFormat, Weights
from workbench.cli.stages import Stages, say
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.capture.profile import ProfileResult

_INTERRUPTED = 130
_BACKENDS = ("auto", "cuda", "numpy")
_GRAPHS = ("on", "off", "both")


_Command = Annotated[
    list[str] | None, typer.Argument(metavar="-- COMMAND [ARGS]...", help="The program to run.", show_default=False)
]
_Repetitions = Annotated[int, typer.Option(metavar="K", help="Run the program K times, one capture each.")]
_Delay = Annotated[
    float | None, typer.Option(metavar="S", help="Begin to record S seconds after the start.", show_default=False)
]
_Duration = Annotated[
    float | None, typer.Option(metavar="S", help="Record S seconds; the program runs on.", show_default=False)
]
_CaptureRange = Annotated[
    str | None,
    typer.Option(
        metavar="RANGE",
        help="Record from cudaProfilerStart to cudaProfilerStop (cudaProfilerApi), or while an NVTX range is first "
        "open (nvtx:NAME, or nvtx:NAME@DOMAIN).",
        show_default=False,
    ),
]
_Name = Annotated[
    str | None, typer.Option(help="Begin the folder's name so; by default with the program's.", show_default=False)
]
_Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Write the folder of captures here.")]
_KeepReports = Annotated[
    bool, typer.Option("--keep-rep", help="Keep nsys's own reports, unscrubbed, in the current folder.")
]


_Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="Run this model on the engine, instead of a COMMAND: a name in the registry (qwen3-4b, tiny-qwen3 ...), "
        "or the path of a transformers folder or a GGUF file.",
        show_default=False,
    ),
]
_Workload = Annotated[
    str | None,
    typer.Option(
        metavar="W1|W2|pp=N,tg=N",
        help="Tokens of prompt, then steps of decode: W1 is pp=8192,tg=64, W2 pp=256,tg=2048. By default "
        "pp=512,tg=128.",
        show_default=False,
    ),
]
_Graphs = Annotated[
    str | None,
    typer.Option(metavar="on|off|both", help="Replay decode steps as a CUDA graph; on by default.", show_default=False),
]
_Temperature = Annotated[float | None, typer.Option(metavar="T", help="By default 0.", show_default=False)]
_Reports = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write the report of a model here; reports by default.", show_default=False),
]
_DEFAULT_WORKLOAD = "pp=512,tg=128"


def profile(
    command: _Command = None,
    model: _Model = None,
    workload: _Workload = None,
    graphs: _Graphs = None,
    weights: Weights = None,
    weight_format: WeightFormat = None,
    variant: Variants = None,
    backend: Backend = "auto",
    context: Context = None,
    chunk: Chunk = None,
    seed: Seed = None,
    temperature: _Temperature = None,
    reps: _Repetitions = 1,
    delay: _Delay = None,
    duration: _Duration = None,
    capture_range: _CaptureRange = None,
    name: _Name = None,
    output: _Output = Path("profiles"),
    reports: _Reports = None,
    keep_rep: _KeepReports = False,
) -> None:
    """Run a model, or any program, under nsys, and keep scrubbed captures of it.

    A model is measured without the profiler first, and its captures are reported on; without a GPU it runs on NumPy,
    which records itself. A program keeps its input, its output and its exit code. Ctrl-C stops it and still leaves a
    capture.
    """
    keep_reports = Path.cwd() if keep_rep else None
    of_model = {
        "workload": workload,
        "graphs": graphs,
        "weights": weights,
        "weight-format": weight_format,
        "variant": variant,
        "backend": None if backend == "auto" else backend,
        "context": context,
        "chunk": chunk,
        "seed": seed,
        "temperature": temperature,
        "reports": reports,
    }
    if model is None:
        _refuse_without_model(of_model)
        if not command:
            raise UserError(
                "there is nothing to run; give --model, or a program last: `wb profile [OPTIONS] -- COMMAND [ARGS]...`"
            )
        _profile_command(tuple(command), (delay, duration, capture_range), reps, name, output, keep_reports)
        return
    if command:
        raise UserError("there are a model and a program to run; give either --model or -- COMMAND")
    if any(option is not None for option in (delay, duration, capture_range)):
        raise UserError("--delay, --duration and --capture-range are for programs; --model is recorded as a whole")
    _check_choice("--backend", backend, _BACKENDS)
    _check_choice("--graphs", graphs or _GRAPHS[0], _GRAPHS)

    from workbench.capture.store import checked_name
    from workbench.cli.profile_model import ModelProfile, profile_model

    further = ("weights", "weight-format", "context", "chunk", "seed", "temperature")
    asked = ModelProfile(
        model=model,
        workload=workload or _DEFAULT_WORKLOAD,
        graphs=graphs or _GRAPHS[0],
        variants=tuple(variant or ()),
        backend=backend,
        more={option: of_model[option] for option in further},
        repetitions=reps,
        name=None if name is None else checked_name(name),
        output=output,
        reports=reports or Path("reports"),
        keep_reports=keep_reports,
    )
    raise typer.Exit(profile_model(asked))


def _refuse_without_model(options: Mapping[str, object]) -> None:
    given = [option for option, value in options.items() if value not in (None, [])]
    if given:
        raise UserError(f"--{given[0]} is for a model; give --model, too")


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        *others, last = choices
        raise UserError(f"{option} {value} is not known; give {', '.join(others)} or {last}")


def _profile_command(
    command: tuple[str, ...],
    limits: tuple[float | None, float | None, str | None],
    repetitions: int,
    name: str | None,
    output: Path,
    keep_reports: Path | None,
) -> None:
    from workbench.capture.command import RecordingOptions
    from workbench.capture.profile import ProfileOptions
    from workbench.capture.profile import profile as run_profile

    options = ProfileOptions(
        command=command,
        recording=RecordingOptions(*limits),
        repetitions=repetitions,
        name=name,
        output=output,
        keep_reports=keep_reports,
    )
    try:
        with Stages() as stages:
            result = run_profile(options, os.environ, stages)
    except KeyboardInterrupt:
        say("interrupted: there is no capture")
        raise typer.Exit(_INTERRUPTED) from None
    _print(result)
    if result.failure:
        raise UserError(result.failure)
    raise typer.Exit(_INTERRUPTED if result.interrupted else result.exit_code)


def _print(result: "ProfileResult") -> None:
    from workbench.capture.outcome import outcome

    for sentence in outcome(result):
        say(sentence)
    if result.first_with_kernels is None:
        return
    try:
        for sentence in _coverage(result.first_with_kernels):
            say(sentence)
    except UserError as error:
        say(f"warning: {error}")
    say(f"next: wb findings {result.folder}")


def _coverage(capture: Path) -> list[str]:
    from workbench.analysis.coverage import coverage, totals
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import open_capture
    from workbench.report.capture import coverage_sentences

    attribution = attribute(open_capture(capture), load_rules())
    return coverage_sentences(totals(attribution), coverage(attribution))
