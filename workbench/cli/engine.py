"""The engine, as the command line uses it: imported late, or started as a program."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import typer

from workbench.errors import UserError

_ITS_NAME = "python -m engine"


@contextmanager
def engine_errors(verb: str = "", ours: str = "") -> Iterator[None]:
    """While the context lasts, what the engine refuses is an error of the user's, as here.

    Args:
        verb: of the engine, whose options are those of the command `ours`.
        ours: that command; the two are left out where they have one name.
    """
    from engine.errors import EngineError

    try:
        yield
    except EngineError as error:
        sentence = str(error).replace(f"{_ITS_NAME} {verb} ", f"wb {ours} ") if verb else str(error)
        raise UserError(sentence.replace(_ITS_NAME, "wb")) from error
    except MemoryError as error:
        raise UserError("memory does not suffice; choose a smaller model, context or chunk") from error


def call_verb(verb: str, options: Mapping[str, object]) -> None:
    """Runs a verb of the engine's own command line in this process, and exits with its code.

    Args:
        verb: such as `bench`.
        options: by their names; None and False leave one out, a list repeats it.

    Raises:
        UserError: the engine refuses.
        typer.Exit: when it is done.
    """
    from engine.threads import multiply_on_one_thread

    multiply_on_one_thread()
    from engine.program.main import parser

    arguments = [verb, *option_words(options)]
    with engine_errors():
        parsed = parser().parse_args(arguments)
        raise typer.Exit(parsed.call(parsed, arguments))


def engine_command(verb: str, options: Mapping[str, object]) -> tuple[str, ...]:
    """The command line that starts the engine as a program of its own; in `engine_environment`."""
    from engine.program import processes

    return tuple(processes.engine_command([verb, *option_words(options)]))


def engine_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Python finds the engine, wherever it was found here."""
    from engine.program import processes

    return processes.engine_environment(environment)


def option_words(options: Mapping[str, object]) -> list[str]:
    """Options as words of a command line: `--name=value`, so that no value is taken for an option."""
    words = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        values: Sequence[object] = value if isinstance(value, list | tuple) else [value]
        words += [f"--{name}={item}" for item in values]
    return words
