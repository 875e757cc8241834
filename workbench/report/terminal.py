"""Pieces of terminal output."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from workbench.report.texts import one_line

_GAP = "  "
_NARROWEST = 8


def print_line(console: Console, text: str, style: str = "") -> None:
    """Prints a sentence, broken into lines at words."""
    console.print(Text(one_line(text), style=style))


def terminal_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int, width: int) -> Text:
    """A table without borders, at most `width` wide.

    The first `texts` columns are aligned to the left, and cut where there is no room for them. The others hold
    numbers, which are never cut: where they do not fit, columns are left out from the right, and the title says so.
    """
    lines = [[one_line(cell) for cell in line] for line in (headings, *rows)]
    wanted = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    widths = _widths(wanted, texts, width)
    left_out = headings[len(widths) :]
    note = f" (without {', '.join(left_out)}: the terminal is narrow)" if left_out else ""
    return Text("\n").join(
        [
            Text(one_line(title) + note, style="bold"),
            *(Text(_laid_out(line, widths, texts), style="" if number else "dim") for number, line in enumerate(lines)),
        ]
    )


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
