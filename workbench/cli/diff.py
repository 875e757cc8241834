"""`wb diff`: what changed between two sets of captures, and whether that is real."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.compare.comparison import Comparison
    from workbench.report.diff import DiffOrigin


class Format(StrEnum):
    """How the comparison is rendered."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


_SET_HELP = "A capture, a folder of captures or of such folders, or a folder of nsys stats' CSV files."


def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help=_SET_HELP)],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The same.")],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FACTOR",
            help="What is under test: commit (the default), graphs, weights, variant, model, driver or program; may be "
            "repeated. What else differs is refused.",
            show_default=False,
        ),
    ] = None,
    phase: Annotated[
        str, typer.Option(metavar="PHASE", help="Whose step is reconciled: prefill or decode.")
    ] = "decode",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the report here, its picture beside it."),
    ] = None,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="By default table; with -o markdown, or json for a FILE.json.")
    ] = None,
    rules: Annotated[list[Path] | None, typer.Option(help="A rule file of your own; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that this command did not write.")] = False,
) -> None:
    """Compare two sets of captures: what changed, where, by how much, and whether that stands out from the noise."""
    from workbench.attribution.rules import STEPPED_PHASES
    from workbench.cli.comparisons import compare_sets
    from workbench.report.diff import DiffOrigin
    from workbench.report.origin import as_named

    if output is not None and output_format is Format.TABLE:
        raise UserError("--format table cannot be written to a file; leave out -o, or take markdown or json")
    if phase not in STEPPED_PHASES:
        raise UserError(f"--phase {phase} has no steps; give {' or '.join(STEPPED_PHASES)}")
    comparison = compare_sets(before, after, vary or (), phase, rules or ())
    if output is None:
        # What is printed stays with the user; a document may travel, and tells no folders of theirs.
        typed = DiffOrigin(str(before), str(after), tuple(map(str, rules or ())))
        _print(comparison, typed, output_format or Format.TABLE)
    else:
        origin = DiffOrigin(as_named(before), as_named(after), tuple(map(as_named, rules or ())))
        as_json = output_format is Format.JSON or (output_format is None and output.suffix == ".json")
        print(*_write(comparison, origin, output, as_json=as_json, force=force), sep="\n")


def _print(comparison: "Comparison", origin: "DiffOrigin", output_format: Format) -> None:
    from workbench.cli.console import output_console
    from workbench.report.diff_json import to_json
    from workbench.report.diff_markdown import to_markdown
    from workbench.report.diff_terminal import print_diff

    match output_format:
        case Format.TABLE:
            print_diff(comparison, output_console(), origin)
        case Format.MARKDOWN:
            print(to_markdown(comparison, origin), end="")
        case Format.JSON:
            print(to_json(comparison), end="")


def _write(
    comparison: "Comparison", origin: "DiffOrigin", output: Path, *, as_json: bool, force: bool
) -> tuple[Path, ...]:
    from workbench.cli.reports import write_files
    from workbench.report.diff_files import diff_files

    return write_files(diff_files(comparison, output, origin, as_json=as_json), force=force)
