"""Pieces of Markdown."""

import re
from collections.abc import Sequence


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int) -> str:
    """A table whose columns from `numbers_from` on are aligned to the right."""
    rule = ["---" if column < numbers_from else "---:" for column in range(len(headings))]
    lines = [headings, rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escape(text: str) -> str:
    """Text that means itself in Markdown, in a table as well; names such as `q_proj` stay as they are."""
    text = re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
