"""The command `wb`."""

import errno
import io
import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer

from workbench import __version__
from workbench.cli.attribute import attribute
from workbench.cli.baseline import baseline
from workbench.cli.bench import bench
from workbench.cli.demo import demo
from workbench.cli.diff import diff
from workbench.cli.doctor import doctor
from workbench.cli.findings import findings
from workbench.cli.gate import gate
from workbench.cli.generate import generate
from workbench.cli.profile import profile
from workbench.cli.rules import rules
from workbench.cli.scrub import scrub
from workbench.cli.verify import verify
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
app.command()(diff)
app.command()(verify)
app.add_typer(rules, name="rules")

# Everything from the program's name on is the program's.
app.command(context_settings={"allow_interspersed_args": False})(profile)
app.command()(generate)
app.command()(bench)
app.add_typer(baseline, name="baseline")
app.command()(gate)
app.command()(scrub)
app.command()(doctor)
app.command()(demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"wb {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Explains where a CUDA program's time goes: capture, attribute, find, change, compare. Runs models, too."""


# The base of the errors in how a command is typed; which click it comes from depends on typer's version.
_UsageError: Any = typer.BadParameter.__mro__[1]
# What it says of a value that is none of an option's choices, with or without the name of an exception.
_NO_CHOICE = re.compile(
    r"Invalid value for '(?P<option>--[\w-]+)'[^:]*: (\w+ error, )?(?P<quote>['\"])(?P<value>.*)(?P=quote) "
    r"is not one of (?P<choices>'.*')"
)
_INTERRUPTED = 130
# As of a program that SIGPIPE ended.
_BROKEN_PIPE = 141
# What libraries take for the terminal's size, and the numbers that all of them can read.
_SIZE_VARIABLES = ("COLUMNS", "LINES", "TERMINAL_WIDTH")
_SIZE = re.compile(r"[0-9]{1,4}")


def main() -> None:
    """Runs the command line; what a user can mend is one sentence on standard error, and exit code 2."""
    _drop_odd_sizes(os.environ)
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names and units may hold characters that the terminal's encoding lacks.
            stream.reconfigure(errors="replace")
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except UserError as error:
        print(f"wb: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _leave_a_broken_pipe()
    except SystemExit as left:
        # Typer makes an exit of its own of a broken pipe that it meets.
        if isinstance(left.__context__, BrokenPipeError):
            _leave_a_broken_pipe()
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _discard(sys.stdout)
        print("wb: the output cannot be written (no space left); print it elsewhere", file=sys.stderr)
        sys.exit(UserError.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except _UsageError as error:
        if not _is_help(error):
            print(f"wb: {_usage_sentence(error)}", file=sys.stderr)
        sys.exit(UserError.exit_code)
    except typer.Abort:
        sys.exit(_INTERRUPTED)


def _replace_closed_streams() -> None:
    """Lets output and errors go nowhere where there is nothing to write them to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115


def _leave_a_broken_pipe() -> NoReturn:
    """Whoever read has read enough: what is still to be written goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        _discard(stream)
    sys.exit(_BROKEN_PIPE)


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _drop_odd_sizes(environment: MutableMapping[str, str]) -> None:
    """Removes what is no size of a terminal: without it, sizes are found out otherwise."""
    for variable in _SIZE_VARIABLES:
        if not _SIZE.fullmatch(environment.get(variable, "0")):
            del environment[variable]


def _is_help(error: Any) -> bool:
    """Whether a group was called without a command: its help has been printed then."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _usage_sentence(error: Any) -> str:
    problem = " ".join(error.format_message().split()).rstrip(".")
    choice = _NO_CHOICE.fullmatch(problem)
    if choice:
        *choices, last = re.findall(r"'([^']*)'", choice["choices"])
        return f"{choice['option']} {choice['value']} is not known; give {', '.join(choices)} or {last}"
    return f"{problem}; see `{error.ctx.command_path if error.ctx else 'wb'} --help`"
