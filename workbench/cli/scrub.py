"""`wb scrub`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.errors import UserError
from workbench.files import refuse_to_replace


def scrub(
    capture: Annotated[
        Path,
        typer.Argument(metavar="CAPTURE", help="An .sqlite export, .sqlite.xz, .sqlite.zst, or an .nsys-rep."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the scrubbed copy here.", show_default=False),
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace the capture by its scrubbed copy.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Remove environment, process names and paths from a capture, and every string that nothing uses."""
    from rich.console import Console

    from workbench.capture.hidden_values import ranges_warnings
    from workbench.capture.interrupts import orderly_exit
    from workbench.capture.scrub import scrub_capture

    if (output is None) != in_place:
        raise UserError("say where the scrubbed capture goes: give either -o FILE or --in-place")
    target = capture if output is None else output
    if not in_place:
        refuse_to_replace(target, force=force)
    with orderly_exit():
        summary = scrub_capture(capture, target)
    tables = f" ({', '.join(summary.tables)})" if summary.tables else ""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"wrote {target}: removed {len(summary.tables)} tables{tables}, {summary.rows} rows and {summary.strings} "
        f"strings, cleaned {summary.texts} texts",
        markup=False,
    )
    for warning in ranges_warnings(summary.hidden):
        console.print(warning, markup=False)
