"""Reads what reports are rendered to, as a browser or a program would."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

Table = list[list[str]]
_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tables(markdown: str) -> list[Table]:
    """The tables of a Markdown document: rows of the texts that a reader sees, headings first."""
    found: list[Table] = []
    in_cell = False
    for token in _PARSER.parse(markdown):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            in_cell = True
        elif token.type == "inline" and in_cell:
            found[-1][-1].append(inline_text(token.content))
            in_cell = False
    return found


def inline_text(markdown: str) -> str:
    """What a reader sees of one line."""
    (token,) = _PARSER.parseInline(markdown)
    return "".join(child.content for child in token.children or [])


def html(markdown: str) -> set[str]:
    """The HTML that a document holds beside its text."""
    return {token.content.strip() for token in _tokens(markdown) if token.type in ("html_block", "html_inline")}


def pictures(markdown: str) -> list[str]:
    """Where the pictures of a document lie."""
    return [str(token.attrs["src"]) for token in _tokens(markdown) if token.type == "image"]


def code_blocks(markdown: str, language: str) -> list[str]:
    """What stands in blocks of code."""
    return [token.content for token in _tokens(markdown) if token.type == "fence" and token.info == language]


def _tokens(markdown: str) -> Iterator[Token]:
    for token in _PARSER.parse(markdown):
        yield token
        yield from token.children or []


def cell_counts(markdown: str) -> list[set[int]]:
    """For each table, how many cells its lines have: a parser would fill up short ones."""
    blocks = re.findall(r"(?:^\|.*\n?)+", markdown, re.MULTILINE)
    return [
        {len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", line))) - 1 for line in block.splitlines()}
        for block in blocks
    ]


def least_width(table: Table) -> int:
    """How many characters wide a browser must at least show a table: it breaks lines at spaces only."""
    columns = zip(*table, strict=True)
    return sum(max(len(word) for cell in column for word in cell.split() or [""]) + 3 for column in columns)
