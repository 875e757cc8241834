"""`wb findings`: what a kernel engineer would write down about a capture."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.findings.document import FindingsDocument
    from workbench.report.origin import Origin


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
    rules: Annotated[list[Path] | None, typer.Option(help="A rule file of your own; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that this command did not write.")] = False,
) -> None:
    """Say where the time goes and what to do about it, with evidence, predicted gains and targets."""
    from workbench.analysis.analysis import Analysis
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import manifest_of, open_capture
    from workbench.findings.document import compile_document
    from workbench.report.origin import Origin, as_named

    layer_rules = load_rules(tuple(rules or ()))
    document = compile_document(Analysis(attribute(open_capture(capture), layer_rules)))
    origin = Origin(as_named(capture), tuple(map(as_named, rules or ())), manifest_of(capture))
    if output is None:
        _print(document, origin, output_format or Format.TERMINAL)
    else:
        _write(document, origin, output, output_format, force=force)


def _print(document: "FindingsDocument", origin: "Origin", output_format: Format) -> None:
    from workbench.cli.console import output_console
    from workbench.report.findings_json import to_json
    from workbench.report.findings_markdown import to_markdown
    from workbench.report.findings_terminal import print_findings

    match output_format:
        case Format.TERMINAL:
            print_findings(document, output_console(), origin)
        case Format.MARKDOWN:
            print(to_markdown(document, origin), end="")
        case Format.JSON:
            print(to_json(document, origin.manifest), end="")


def _write(
    document: "FindingsDocument", origin: "Origin", output: Path, output_format: Format | None, *, force: bool
) -> None:
    from workbench.errors import UserError
    from workbench.files import refuse_to_replace, remove_ours, write_texts
    from workbench.report.findings_files import report_files

    if output_format is Format.TERMINAL:
        raise UserError("--format terminal cannot be written to a file; leave out -o, or take markdown or json")
    as_json = output_format is Format.JSON or (output_format is None and output.suffix == ".json")
    files = report_files(document, output, origin, as_json=as_json)
    for path in files.texts:
        refuse_to_replace(path, force=force, ours=files.mark)
    write_texts(files.texts)
    print(*files.texts, sep="\n")
    for path in files.stale:
        if remove_ours(path, files.mark):
            print(f"wb: removed {path}, which an earlier report had and this one has not", file=sys.stderr)
