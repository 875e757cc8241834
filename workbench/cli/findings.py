"""`wb findings`: what a kernel engineer would write down about a capture."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.cli.reports import Report


class Format(StrEnum):
    """How the report is rendered."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def findings(
    capture: Annotated[
        Path,
        typer.Argument(metavar="CAPTURE", help="An .sqlite export, .sqlite.xz, .sqlite.zst, .nsys-rep, or a folder."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the report here, its picture and SQL beside it."),
    ] = None,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="By default terminal; with -o markdown, or json for a FILE.json.")
    ] = None,
    counterpart: Annotated[
        Path | None,
        typer.Option(
            "--counterpart",
            metavar="CAPTURE",
            help="A capture of the same program with CUDA graphs the other way: predict for both.",
            show_default=False,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration",
            metavar="FILE|none",
            help="Outcomes of earlier predictions, to be quoted; by default profiles/calibration.jsonl, if it exists.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[list[Path] | None, typer.Option(help="A rule file of your own; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that this command did not write.")] = False,
) -> None:
    """Say where the time goes and what to do about it, with evidence, predicted gains and targets."""
    from workbench.cli.reports import NO_CALIBRATION, compile_report, with_counterpart, write_report

    if output is not None and output_format is Format.TERMINAL:
        raise UserError("--format terminal cannot be written to a file; leave out -o, or take markdown or json")
    report = compile_report(capture, rules or (), calibration)
    if counterpart:
        report = with_counterpart(report, compile_report(counterpart, rules or (), NO_CALIBRATION))
    if output is None:
        _print(report, output_format or Format.TERMINAL)
    else:
        as_json = output_format is Format.JSON or (output_format is None and output.suffix == ".json")
        print(*write_report(report, output, as_json=as_json, force=force), sep="\n")


def _print(report: "Report", output_format: Format) -> None:
    from workbench.cli.reports import print_report
    from workbench.report.findings_json import to_json
    from workbench.report.findings_markdown import to_markdown

    match output_format:
        case Format.TERMINAL:
            print_report(report)
        case Format.MARKDOWN:
            print(to_markdown(report.document, report.origin), end="")
        case Format.JSON:
            print(to_json(report.document, report.origin.manifest), end="")
