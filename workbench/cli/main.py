"""The command `wb`."""

import sys
from typing import Annotated

import typer

from workbench import __version__
from workbench.cli.attribute import attribute
from workbench.cli.doctor import doctor
from workbench.cli.findings import findings
from workbench.cli.rules import rules
from workbench.cli.profile import profile
from workbench.cli.scrub import scrub
from workbench.errors import UserError

app = typer.Typer(
    name="wb",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(attribute)
app.command()(findings)
app.add_typer(rules, name="rules")

# Everything from the program's name on is the program's.
app.command(context_settings={"allow_interspersed_args": False})(profile)
app.command()(scrub)
app.command()(doctor)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Explains where a CUDA program's time goes: capture, attribute, find, change, compare."""
    if version:
        print(f"wb {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line; what a user can mend is one sentence on standard error, and exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"wb: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
