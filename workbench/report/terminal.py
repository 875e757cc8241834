"""Pieces of terminal output."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from workbench.report.texts import one_line

_GAP = "  "
_NARROWEST = 8
# So many columns must be gained for a heading to be broken into lines.
_WORTH_A_LINE = 4


def print_line(console: Console, text: str, style: str = "") -> None:
    """Prints a sentence, broken into lines at words."""
    console.print(Text(one_line(text), style=style))


@dataclass(frozen=True)
class TerminalTable:
    """A table laid out for a terminal; `is_cut` where not all of it found room."""

    text: Text
    is_cut: bool


def terminal_table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    texts: int,
    width: int,
    styles: Sequence[str] = (),
) -> TerminalTable:
    """A table without borders, at most `width` wide.

    The first `texts` columns are aligned to the left. The others hold numbers; where the table is too wide, their
    headings are broken at words, then the texts are cut. Numbers are never cut: where they do not fit, columns are
    left out from the right, and the title says so. `styles` are the rows', if they have any.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    lines = _heading_lines([one_line(heading) for heading in headings], cells, texts, width)
    wanted = [max(map(cell_len, column)) for column in zip(*lines, *cells, strict=True)]
    widths = _widths(wanted, texts, width)
    left_out = headings[len(widths) :]
    note = f" (without {', '.join(left_out)}: the terminal is narrow)" if left_out else ""
    text = Text("\n").join(
        [
            Text(one_line(title) + note, style="bold"),
            *(Text(_laid_out(line, widths, texts), style="dim") for line in lines),
            *(
                Text(_laid_out(row, widths, texts), style=style)
                for row, style in zip(cells, styles or [""] * len(cells), strict=True)
            ),
        ]
    )
    return TerminalTable(text, is_cut=widths != wanted)


def _heading_lines(headings: list[str], rows: list[list[str]], texts: int, width: int) -> list[list[str]]:
    """The headings, those of numbers broken into lines where the table is too wide otherwise."""
    columns = list(zip(headings, *rows, strict=True))
    if sum(max(map(cell_len, column)) for column in columns) + len(_GAP) * (len(columns) - 1) <= width:
        return [headings]
    broken = [
        [heading] if number < texts else _broken(heading, max(map(cell_len, column[1:]), default=0))
        for number, (heading, column) in enumerate(zip(headings, columns, strict=True))
    ]
    depth = max(map(len, broken))
    return [list(line) for line in zip(*([""] * (depth - len(part)) + part for part in broken), strict=True)]


def _broken(heading: str, width: int) -> list[str]:
    """A heading in lines of whole words, as narrow as its longest word or the column's cells."""
    width = max([width, *map(cell_len, heading.split())])
    return textwrap.wrap(heading, width) if cell_len(heading) >= width + _WORTH_A_LINE else [heading]


def _widths(wanted: Sequence[int], texts: int, width: int) -> list[int]:
    """The widths of as many columns as fit: numbers whole, texts cut alike."""
    least = [min(own, _NARROWEST) if number < texts else own for number, own in enumerate(wanted)]
    count = len(wanted)
    while count > 1 and sum(least[:count]) + len(_GAP) * (count - 1) > width:
        count -= 1
    room = width - sum(wanted[texts:count]) - len(_GAP) * (count - 1)
    of_texts = wanted[: min(texts, count)]
    limits = range(max(of_texts, default=0), _NARROWEST, -1)
    limit = next((limit for limit in limits if sum(min(own, limit) for own in of_texts) <= room), _NARROWEST)
    return [min(own, limit) if number < texts else own for number, own in enumerate(wanted[:count])]


def _laid_out(cells: Sequence[str], widths: Sequence[int], texts: int) -> str:
    return _GAP.join(
        _cut(cell, width) if number < texts else " " * (width - cell_len(cell)) + cell
        for number, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ).rstrip()


def _cut(cell: str, width: int) -> str:
    return set_cell_size(cell, width) if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"
