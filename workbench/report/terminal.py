"""Pieces of terminal output."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

# Columns whose texts may be cut where the terminal is narrow.
_LONG = ("kernel", "range")


def terminal_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int, width: int = 80
) -> Table:
    """A table without borders, at most `width` wide where its long names allow that.

    Columns from `texts` on are aligned to the right.
    """
    short = sum(
        max(len(heading), *(len(row[number]) for row in rows), 0) + 2
        for number, heading in enumerate(headings)
        if heading not in _LONG
    )
    longest = max(16, (width - short) // max(1, sum(heading in _LONG for heading in headings)) - 2)
    table = Table(title=title, title_justify="left", box=None, header_style="dim", title_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        if number >= texts:
            table.add_column(heading, justify="right", no_wrap=True)
        elif heading in _LONG:
            table.add_column(heading, overflow="ellipsis", no_wrap=True, max_width=longest)
        else:
            table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
