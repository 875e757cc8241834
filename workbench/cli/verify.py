"""`wb verify`: what became of the findings of an earlier report."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.compare.verification import Verification
    from workbench.report.verify_origin import VerifyOrigin

_NO_CALIBRATION = "none"


class Format(StrEnum):
    """How the report is rendered."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


def verify(
    findings: Annotated[
        Path, typer.Argument(metavar="FINDINGS", help="The report to verify: `wb findings CAPTURE -o FINDINGS.json`.")
    ],
    after: Annotated[
        Path, typer.Argument(metavar="AFTER", help="A capture, or a folder of captures or of such folders.")
    ],
    before: Annotated[
        Path | None,
        typer.Option(metavar="BEFORE", help="Captures of what the report is about, so that noise can be told."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FACTOR",
            help="What was changed: commit (the default), graphs, weights, variant, model, driver or program; may be "
            "repeated. What else differs is refused.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the report here.")
    ] = None,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="By default table; with -o markdown, or json for a FILE.json.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to add what became of predictions; none for nowhere. By default profiles/calibration.jsonl.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[list[Path] | None, typer.Option(help="A rule file of your own; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that this command did not write.")] = False,
) -> None:
    """Hold the findings of an earlier report to their word: targets met or not, gains predicted and realised."""
    from workbench.calibration_file import DEFAULT_FILE, append_calibration, read_calibration
    from workbench.cli.verifications import judge_outcomes, read_report, verify_report
    from workbench.files import refuse_to_replace
    from workbench.report.origin import as_named
    from workbench.report.verify import JSON_MARK, MARK
    from workbench.report.verify_origin import VerifyOrigin

    if output is not None and output_format is Format.TABLE:
        raise UserError("--format table cannot be written to a file; leave out -o, or take markdown or json")
    as_json = output_format is Format.JSON or (
        output_format is None and output is not None and output.suffix == ".json"
    )
    if output is not None:
        refuse_to_replace(output, force=force, ours=JSON_MARK if as_json else MARK)
    file = None if str(calibration) == _NO_CALIBRATION else calibration or DEFAULT_FILE
    if file and os.path.lexists(file):
        read_calibration(file)
    verification = verify_report(read_report(findings), after, before, vary or (), rules or ())
    kept = judge_outcomes(verification, file)
    origin = VerifyOrigin(
        findings=as_named(findings),
        after=as_named(after),
        before=as_named(before) if before else "",
        vary=tuple(vary or ()),
        rules=tuple(map(as_named, rules or ())),
        calibration=as_named(file) if file else "",
        is_default=file == DEFAULT_FILE,
        eligible=len(kept.eligible),
        added=len(kept.added),
        realised=kept.realised,
    )
    # Last of all: what cannot be shown is not kept, and another run may then verify it.
    if output is None:
        _print(verification, origin, output_format or Format.TABLE)
    else:
        _write(verification, origin, output, as_json=as_json)
    if file:
        append_calibration(file, kept.eligible)
    if output is not None:
        print(output)


def _print(verification: "Verification", origin: "VerifyOrigin", output_format: Format) -> None:
    from workbench.cli.console import output_console
    from workbench.report.verify_json import to_json
    from workbench.report.verify_markdown import to_markdown
    from workbench.report.verify_terminal import print_verification

    match output_format:
        case Format.TABLE:
            print_verification(verification, output_console(), origin)
        case Format.MARKDOWN:
            print(to_markdown(verification, origin), end="")
        case Format.JSON:
            print(to_json(verification, origin), end="")


def _write(verification: "Verification", origin: "VerifyOrigin", output: Path, *, as_json: bool) -> None:
    from workbench.files import write_text
    from workbench.report.verify_json import to_json
    from workbench.report.verify_markdown import to_markdown

    write_text(output, (to_json if as_json else to_markdown)(verification, origin))
