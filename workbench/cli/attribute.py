"""`wb attribute`: sums kernel time by phase, layer, range, kernel."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How the answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def attribute(
    capture: Annotated[
        Path,
        typer.Argument(metavar="CAPTURE", help="An .sqlite export, .sqlite.xz, .sqlite.zst, .nsys-rep, or a folder."),
    ],
    by: Annotated[
        str,
        typer.Option(
            help="What to sum by: some of phase, step, layer_type, layer, role, range, kernel, stream, device, "
            "process, with commas between."
        ),
    ] = "phase,layer_type",
    phase: Annotated[str | None, typer.Option(help="Only this phase: load, warmup, prefill, decode or other.")] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    rules: Annotated[list[Path] | None, typer.Option(help="A rule file of your own; may be repeated.")] = None,
    demangled: Annotated[bool, typer.Option("--demangled", help="Name kernels with their template arguments.")] = False,
) -> None:
    """Attribute every kernel of a capture to the layer it belongs to, and sum."""
    from workbench.analysis.analysis import Analysis
    from workbench.analysis.summary import summarize
    from workbench.attribution.attribution import attribute as attribute_trace
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import open_capture
    from workbench.cli.console import output_console
    from workbench.report import attribution as report
    from workbench.report.capture import notice

    layer_rules = load_rules(tuple(rules or ()))
    analysis = Analysis(attribute_trace(open_capture(capture), layer_rules))
    keys = [key.strip() for key in by.split(",") if key.strip()]
    summary = summarize(analysis, keys, phase=phase, demangled=demangled)
    for warning in report.warnings(summary):
        print(f"wb: warning: {warning}", file=sys.stderr)
    match output_format:
        case Format.TABLE:
            report.print_tables(summary, output_console())
        case Format.JSON:
            print(report.to_json(summary), end="")
        case Format.CSV:
            # A table for programs has no line to spare.
            if notice(summary.info):
                print(f"wb: {notice(summary.info)}", file=sys.stderr)
            print(report.to_csv(summary), end="")
        case Format.MARKDOWN:
            print(report.to_markdown(summary), end="")
