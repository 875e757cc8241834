"""Pieces of Markdown."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from workbench.report.texts import one_line


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int) -> str:
    """A table whose columns from `numbers_from` on are aligned to the right."""
    rule = ["---" if column < numbers_from else "---:" for column in range(len(headings))]
    lines = [[escape(heading) for heading in headings], rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escape(text: str) -> str:
    """Text that means itself in Markdown, in a table as well; names such as `q_proj` stay as they are."""
    text = re.sub(r"([\\`*\[\]<>|~$]|&(?=#?\w+;))", r"\\\1", one_line(text))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def code(text: str) -> str:
    """Inline code, whatever the text, a single line, holds."""
    fence = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def code_block(text: str, language: str) -> str:
    """A block of code, whatever the text holds."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def link(file_name: str) -> str:
    """The target of a link to a file that lies beside the document."""
    return quote(file_name, errors="replace")


def _longest_run(text: str) -> int:
    """How many backticks follow each other at most."""
    return max(map(len, re.findall("`+", text)), default=0)
