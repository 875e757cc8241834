"""What the engine shows on a terminal, and what it keeps from it."""

import errno
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from engine.errors import EngineError
from engine.progress import StageProgress, silent

# Controls (`\x1b` begins what steers a terminal), marks that turn the direction of writing, half surrogates.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners are part of words and pictures.
_HARMLESS = {"\n", "\t", "\u200c", "\u200d"}
_GAP = "  "
_MOST_SENTENCE = 600


def harmless(text: str) -> str:
    r"""The text with whatever would steer a terminal spelled out, as in `\x1b`; line breaks and tabs stay."""
    return "".join(map(_harmless, text))


def sentence(text: str) -> str:
    """A sentence for a person: one line, harmless, and not endless, whatever was quoted in it."""
    line = " ".join(text.split())
    return harmless(line if len(line) <= _MOST_SENTENCE else f"{line[:_MOST_SENTENCE]}...")


def _harmless(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HARMFUL:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def print_text(text: str) -> None:
    """Writes a result to standard output at once; nowhere, where that is closed.

    Raises:
        EngineError: there is no space left, or the like.
        BrokenPipeError: whoever read has read enough.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still to be written goes nowhere, or Python would complain about it when it ends.
        _discard(sys.stdout)
        raise
    except OSError as error:
        _discard(sys.stdout)
        reason = "no space left" if error.errno == errno.ENOSPC else error.strerror or error
        raise EngineError(f"the output cannot be written ({reason}); print it elsewhere") from error


def print_remark(text: str, stream: TextIO | None = None) -> None:
    """Writes to standard error, if anyone can read it: no remark is worth a result."""
    stream = stream or sys.stderr
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        _discard(stream)


def _discard(stream: TextIO) -> None:
    """Lets all that a stream still holds, and gets, go nowhere."""
    # Streams that stand for others may have no number.
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[StageProgress]:
    """Progress on standard error: bars on a terminal, else a line whenever a stage begins or ends."""
    stream = stream or sys.stderr
    if stream is None:
        yield silent
    elif stream.isatty():
        with _bars(stream) as progress:
            yield progress
    else:
        yield _lines(stream)


def _lines(stream: TextIO) -> StageProgress:
    def tell(stage: str, done: int, total: int) -> None:
        if done == 0 and done < total:
            print_remark(f"{stage} ...\n", stream)
        elif done == total:
            print_remark(f"{stage}: done{f' ({total})' if total > 1 else ''}\n", stream)

    return tell


@contextmanager
def _bars(stream: TextIO) -> Iterator[StageProgress]:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    # A thread that redraws bars would take its time from what is being timed.
    with Progress(console=Console(file=stream), transient=True, auto_refresh=False) as bars:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, refresh=True)

        yield tell


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """A table without borders; the first `texts` columns are aligned to the left, numbers to the right."""
    cells = [list(headings), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        _GAP.join(
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines) + "\n"
