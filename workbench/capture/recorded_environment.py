"""Finds the environment variables that nsys recorded in an export."""

import re
import sqlite3

_ASSIGNMENT = re.compile(r'([A-Za-z_]\w*)="?(.*?)"?', re.DOTALL)
# Separators of a whole environment in one string; which one depends on nsys's release.
_SEPARATORS = ("\0", ";")
_FEWEST = 2


def is_environment(text: str) -> bool:
    """Whether a string holds a whole environment, as nsys keeps one among the names of kernels."""
    return bool(_whole_environment(text, "\0"))


def recorded_environment(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The (variable, value) pairs of all processes that the export knows of, and the host's name as HOSTNAME.

    Args:
        connection: an export that is not scrubbed yet; its `text_factory` must give str.
    """
    pairs: list[tuple[str, str]] = []
    for (text,) in _rows(
        connection, "SELECT CAST(value AS TEXT) FROM StringIds WHERE instr(CAST(value AS BLOB), X'3D')"
    ):
        pairs += _whole_environment(text, "\0")
    for name, value in _rows(connection, "SELECT name, value FROM TARGET_INFO_SYSTEM_ENV"):
        if name == "Hostname":
            pairs.append(("HOSTNAME", value))
        for separator in _SEPARATORS:
            pairs += _whole_environment(value, separator)
    query = "SELECT name, value FROM META_DATA_CAPTURE WHERE name LIKE '%ENVIRONMENT_VARIABLE%'"
    for _, value in _rows(connection, query):
        pairs += _pairs([value])
    return list(dict.fromkeys((name, value) for name, value in pairs if value))


def _whole_environment(text: str, separator: str) -> list[tuple[str, str]]:
    parts = text.split(separator)
    pairs = _pairs(parts)
    # A value may hold the separator, so not every part need be an assignment.
    return pairs if len(pairs) >= _FEWEST and 2 * len(pairs) >= len(parts) else []


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for text in texts if (match := _ASSIGNMENT.fullmatch(text))]


def _rows(connection: sqlite3.Connection, query: str) -> list[tuple[str, ...]]:
    """The rows whose every cell is text; none if the export lacks the table."""
    try:
        rows = connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    return [row for row in rows if all(isinstance(cell, str) for cell in row)]
