"""`wb profile`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.capture.profile import ProfileResult

_INTERRUPTED = 130


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
_Output = Annotated[Path, typer.Option(metavar="DIR", help="Write the folder of captures here.")]
_KeepReports = Annotated[
    bool, typer.Option("--keep-rep", help="Keep nsys's own reports, unscrubbed, in the current folder.")
]


def profile(
    command: _Command = None,
    reps: _Repetitions = 1,
    delay: _Delay = None,
    duration: _Duration = None,
    capture_range: _CaptureRange = None,
    name: _Name = None,
    output: _Output = Path("profiles"),
    keep_rep: _KeepReports = False,
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
    """Says something on standard error, for standard output is the program's; no recording ends if nobody listens."""
    try:
        print(f"wb: {message}", file=sys.stderr, flush=True)
    except OSError:
        # Python would fail once more at its own end. The program keeps the stream as it is.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


def _print(result: "ProfileResult") -> None:
    from workbench.capture.outcome import outcome

    for sentence in outcome(result):
        _say(sentence)
    if result.first_with_kernels is None:
        return
    try:
        for sentence in _coverage(result.first_with_kernels):
            _say(sentence)
    except UserError as error:
        _say(f"warning: {error}")
    _say(f"next: wb findings {result.folder}")


def _coverage(capture: Path) -> list[str]:
    from workbench.analysis.coverage import coverage, totals
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import open_capture
    from workbench.report.capture import coverage_sentences

    attribution = attribute(open_capture(capture), load_rules())
    return coverage_sentences(totals(attribution), coverage(attribution))
