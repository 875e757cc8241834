"""Parses the command line and hands it to a verb; imports nothing heavy until it is known what is asked for."""

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from engine import __version__
from engine.errors import EngineError
from engine.program import bench, generate, run
from engine.program.parser import Parser
from engine.terminal import print_remark, sentence

_INTERRUPTED = 130
# As of a program that SIGPIPE ended.
_BROKEN_PIPE = 141


def parser() -> Parser:
    """The command line's parser."""
    whole = Parser(prog="python -m engine", description="Runs language models on CUDA kernels of our own.")
    whole.add_argument("--version", action="version", version=f"engine {__version__}")
    verbs = whole.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in (run, bench, generate):
        verb.add_to(verbs)
    return whole


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line; what a user can mend is one sentence on standard error, and exit code 2."""
    _occupy_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names, units and answers may hold characters that the terminal's encoding lacks.
            stream.reconfigure(errors="backslashreplace")
    # One sentence on the logits says it.
    warnings.filterwarnings("ignore", "(overflow|invalid value|divide by zero) encountered", RuntimeWarning)
    typed = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(execute(typed))


def execute(typed: Sequence[str], speaker: str = "engine") -> int:
    """Runs a command line within another program, which sentences on standard error begin with; the exit code."""
    try:
        parsed = parser().parse_args(typed)
        code: int = parsed.call(parsed, list(typed))
        return code
    except EngineError as error:
        _say(speaker, str(error))
        return error.exit_code
    except MemoryError:
        _say(speaker, "memory does not suffice; choose a smaller model, context or chunk")
        return EngineError.exit_code
    except BrokenPipeError:
        return _BROKEN_PIPE
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        _say(speaker, f"the system refuses ({where}{error.strerror or error}); look after that and try again")
        return EngineError.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED


def _say(speaker: str, text: str) -> None:
    print_remark(f"{speaker}: {sentence(text)}\n")


def _occupy_standard_streams() -> None:
    """Leads streams that were closed nowhere, so that no file that is opened later is taken for one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
