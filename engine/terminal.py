"""What the engine shows on a terminal, and what it keeps from it."""

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from engine.progress import StageProgress

# Controls (`\x1b` begins what steers a terminal), marks that turn the direction of writing, half surrogates.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners are part of words and pictures.
_HARMLESS = {"\n", "\t", "\u200c", "\u200d"}
_GAP = "  "


def harmless(text: str) -> str:
    r"""The text with whatever would steer a terminal spelled out, as in `\x1b`; line breaks and tabs stay."""
    return "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HARMFUL:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[StageProgress]:
    """Progress on standard error: bars on a terminal, else a line whenever a stage begins or ends."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _bars(stream) as progress:
            yield progress
    else:
        yield _lines(stream)


def _lines(stream: TextIO) -> StageProgress:
    def tell(stage: str, done: int, total: int) -> None:
        if done == 0 and done < total:
            stream.write(f"{stage} ...\n")
        elif done == total:
            stream.write(f"{stage}: done{f' ({total})' if total > 1 else ''}\n")
        stream.flush()

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
