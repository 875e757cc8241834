"""`wb findings`: what a kernel engineer would write down about a capture."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.findings.document import FindingsDocument
    from workbench.manifest import Manifest


class Format(StrEnum):
    """How the report is rendered."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def findings(
    capture: Annotated[
        Path, typer.Argument(help="An .sqlite export, .sqlite.xz, .sqlite.zst, .nsys-rep, or a folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the report here, its picture and its SQL beside it.")
    ] = None,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="terminal, markdown or json; by default markdown with -o.")
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

    layer_rules = load_rules(tuple(rules or ()))
    document = compile_document(Analysis(attribute(open_capture(capture), layer_rules)))
    manifest = manifest_of(capture)
    if output is None:
        _print(document, manifest, output_format or Format.TERMINAL)
    else:
        _write(document, manifest, output, output_format, force=force)


def _print(document: "FindingsDocument", manifest: "Manifest | None", output_format: Format) -> None:
    from rich.console import Console

    from workbench.report.findings_json import to_json
    from workbench.report.findings_markdown import to_markdown
    from workbench.report.findings_terminal import print_findings

    match output_format:
        case Format.TERMINAL:
            print_findings(document, Console())
        case Format.MARKDOWN:
            print(to_markdown(document, manifest=manifest), end="")
        case Format.JSON:
            print(to_json(document, manifest), end="")


def _write(
    document: "FindingsDocument",
    manifest: "Manifest | None",
    output: Path,
    output_format: Format | None,
    *,
    force: bool,
) -> None:
    from workbench.errors import UserError
    from workbench.files import refuse_to_replace, write_text, write_texts
    from workbench.report.findings import MARK, SCHEMA
    from workbench.report.findings_json import to_json
    from workbench.report.findings_markdown import to_markdown
    from workbench.report.findings_sql import to_sql
    from workbench.report.step_picture import draw_step

    if output_format is Format.TERMINAL:
        raise UserError("--format terminal cannot be written to a file; leave out -o, or take markdown or json")
    if output_format is Format.JSON or (output_format is None and output.suffix == ".json"):
        refuse_to_replace(output, force=force, ours=f'"schema": "{SCHEMA}"')
        write_text(output, to_json(document, manifest))
        print(output)
        return
    sql_files = [output.with_name(f"{output.stem}.sql")] if document.findings.findings else []
    pictures = {output.with_name(f"{output.stem}.svg"): profile for profile in document.profiles[:1]}
    beside = {path: draw_step(profile, MARK) for path, profile in pictures.items()}
    beside |= {path: to_sql(document) for path in sql_files}
    if output in beside:
        raise UserError(f"{output} is what a file beside the report is called; name the report {output.stem}.md")
    for path in (output, *beside):
        refuse_to_replace(path, force=force, ours=MARK)
    report = to_markdown(
        document,
        pictures=[path.name for path in pictures],
        sql_file="".join(path.name for path in sql_files),
        manifest=manifest,
    )
    write_texts({output: report, **beside})
    print(output, *beside, sep="\n")
