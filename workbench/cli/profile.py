"""`wb profile`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.capture.one_run import FinishedCapture
    from workbench.capture.profile import ProfileResult

_INTERRUPTED = 130


def profile(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND [ARGS]...", help="The program to run.", show_default=False)
    ] = None,
    reps: Annotated[int, typer.Option(metavar="K", help="Run the program K times, one capture each.")] = 1,
    delay: Annotated[
        float | None, typer.Option(metavar="S", help="Begin to record S seconds after the start.", show_default=False)
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Record S seconds; the program runs on.", show_default=False)
    ] = None,
    capture_range: Annotated[
        str | None,
        typer.Option(
            metavar="RANGE",
            help="Record from cudaProfilerStart to cudaProfilerStop (cudaProfilerApi), or while an NVTX range is first "
            "open (nvtx:NAME, or nvtx:NAME@DOMAIN).",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Begin the folder's name so; by default with the program's.", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Write the folder of captures here.")] = Path("profiles"),
    keep_rep: Annotated[
        bool, typer.Option("--keep-rep", help="Keep nsys's own reports, unscrubbed, in the current folder.")
    ] = False,
) -> None:
    """Run a program under nsys and keep scrubbed captures of it.

    The program keeps its input, its output and its exit code. Ctrl-C stops it and still leaves a capture.
    """
    from workbench.capture.command import RecordingOptions
    from workbench.capture.profile import ProfileOptions
    from workbench.capture.profile import profile as run_profile

    if not command:
        raise UserError("there is no program to run; put it last: `wb profile [OPTIONS] -- COMMAND [ARGS]...`")
    options = ProfileOptions(
        command=tuple(command),
        recording=RecordingOptions(delay, duration, capture_range),
        repetitions=reps,
        name=name,
        output=output,
        keep_reports=Path.cwd() if keep_rep else None,
    )
    try:
        result = run_profile(options, os.environ, _say)
    except KeyboardInterrupt:
        _say("interrupted: there is no capture")
        raise typer.Exit(_INTERRUPTED) from None
    _print(result)
    if result.failure:
        raise UserError(result.failure)
    raise typer.Exit(_INTERRUPTED if result.interrupted else result.exit_code)


def _say(message: str) -> None:
    """Says something on standard error: standard output is the program's."""
    from rich.console import Console

    Console(stderr=True, highlight=False, soft_wrap=True).print(f"wb: {message}", markup=False)


def _print(result: "ProfileResult") -> None:
    for capture in result.captures:
        _say(_described(result.folder, capture))
        if capture.report:
            _say(f"warning: {capture.report} holds the program's whole environment: share the capture instead")
    for warning in result.manifest.warnings:
        _say(f"warning: {warning}")
    seen = next((capture for capture in result.captures if capture.kernels + capture.hidden_graphs), None)
    if seen:
        try:
            for sentence in _coverage(result.folder / seen.file.file):
                _say(sentence)
        except UserError as error:
            _say(f"warning: {error}")
        _say(f"next: wb findings {result.folder}")


def _described(folder: Path, capture: "FinishedCapture") -> str:
    facts = [f"{capture.kernels} kernel{'' if capture.kernels == 1 else 's'}"]
    if capture.hidden_graphs:
        facts.append(f"{capture.hidden_graphs} graph launches that hide theirs")
    if capture.file.exit_code:
        facts.append(f"the program's exit code was {capture.file.exit_code}")
    if capture.file.interrupted:
        facts.append("interrupted")
    return f"wrote {folder / capture.file.file}: {', '.join(facts)}"


def _coverage(capture: Path) -> list[str]:
    """How much of the kernels' time can be attributed to a layer, and why the rest cannot."""
    from workbench.analysis.coverage import coverage, totals
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import open_capture
    from workbench.report.capture import coverage_sentences

    attribution = attribute(open_capture(capture), load_rules())
    return coverage_sentences(totals(attribution), coverage(attribution))
