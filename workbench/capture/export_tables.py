"""What the tables of an nsys export hold that is not the profiler's own: which rows go, which columns hold text."""

import re
import sqlite3
from dataclasses import dataclass
from enum import IntEnum

# Environment, process and thread names, the program's output, command lines; ETW and ftrace events name processes.
_PRIVATE_TABLE = re.compile(
    r"ANALYSIS_FILE|ETW_.*|GENERIC_EVENT.*|META_DATA_CAPTURE|NV_LOAD_BALANCE_.*|.*PROCESS(ES)?|ProcessStreams"
    r"|.*_ENV(IRONMENT)?|ThreadNames?",
    re.IGNORECASE,
)
# Conditions for rows that go, by table. Until 2022.4 META_DATA_EXPORT was called EXPORT_META_DATA.
_PRIVATE_EXPORT_FACTS = " OR ".join(f"name LIKE '%{word}%'" for word in ("PATH", "FILE", "HOST", "USER", "DIR"))
_PRIVATE_ROWS = {
    "META_DATA_EXPORT": _PRIVATE_EXPORT_FACTS,
    "EXPORT_META_DATA": _PRIVATE_EXPORT_FACTS,
    # 2 is a warning, 3 an error: those a reader must be told.
    "DIAGNOSTIC_EVENT": "text LIKE '%process%' AND text NOT LIKE '%NVTX%' AND severity NOT IN (2, 3)",
}
# A table that was copied may have lost the comments that mark its references to strings.
_USUAL_REFERENCES = frozenset(
    {
        "CpuInstruction", "contentId", "demangledName", "endNameId", "filenameId", "funcName", "jsonTextId",
        "kernelName", "mangledName", "module", "nameId", "objectNameId", "providerNameId", "shortName", "srcFile",
        "symbol", "taskNameId", "textId", "varName",
    }
)  # fmt: skip
_CODE_COLUMNS = frozenset(
    {
        "CpuInstruction", "demangledName", "endNameId", "funcName", "kernelName", "mangledName", "nameId", "shortName",
        "symbol",
    }
)  # fmt: skip
_RANGE_COLUMNS = frozenset({"text", "textId", "jsonText", "jsonTextId"})
# Tables that nsys fills with words of its own.
_NSYS_TABLE = re.compile(r"(META_DATA|EXPORT_META|TARGET_INFO)_.*")
_LABELS_PREFIX = "ENUM_"


class Voice(IntEnum):
    """Whose words a text is. A string used in several ways counts as the first of them."""

    CODE = 0
    """A compiler's, or nsys's: names of kernels, of API calls, of devices."""
    RANGE = 1
    """The program's, in NVTX ranges."""
    OTHER = 2


@dataclass(frozen=True)
class TextColumn:
    """A column that holds text, or ids of strings."""

    table: str
    column: str
    voice: Voice
    is_reference: bool


def private_tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The tables that go altogether."""
    return tuple(table for table in _tables(connection) if _PRIVATE_TABLE.fullmatch(table))


def private_rows(connection: sqlite3.Connection) -> dict[str, str]:
    """The SQL condition, by table, for the rows that go."""
    present = _tables(connection)
    return {
        table: condition
        for table, condition in _PRIVATE_ROWS.items()
        if table in present
        and (table != "DIAGNOSTIC_EVENT" or {"text", "severity"} <= _columns(connection, table).keys())
    }


def text_columns(connection: sqlite3.Connection) -> tuple[TextColumn, ...]:
    """Every column that holds text or refers to `StringIds`, that table's own and nsys's labels left out.

    SQLite lets a column of any declared type hold text. One that refers to `StringIds` and holds text besides is
    given twice.
    """
    found = []
    for table, ddl in _tables(connection).items():
        if table == "StringIds" or table.startswith(_LABELS_PREFIX):
            continue
        references = _references(connection, table, ddl)
        holding = _holding_text(connection, table)
        for name in _columns(connection, table):
            if name in references:
                found.append(TextColumn(table, name, _voice(table, name), is_reference=True))
            if name in holding:
                found.append(TextColumn(table, name, _voice(table, name), is_reference=False))
    return tuple(found)


def quoted(name: str) -> str:
    """The name of a table or column as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def _voice(table: str, column: str) -> Voice:
    if column in _CODE_COLUMNS or _NSYS_TABLE.fullmatch(table):
        return Voice.CODE
    return Voice.RANGE if column in _RANGE_COLUMNS and table != "DIAGNOSTIC_EVENT" else Voice.OTHER


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: sql or "" for name, sql in rows}


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, None]:
    """The names of the columns, in order."""
    return {row[1]: None for row in connection.execute(f"PRAGMA table_info({quoted(table)})")}


def _holding_text(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of which some value is stored as text or bytes."""
    names = list(_columns(connection, table))
    if not names:
        return set()
    tests = ", ".join(f"max(typeof({quoted(name)}) IN ('text', 'blob'))" for name in names)
    answers = connection.execute(f"SELECT {tests} FROM {quoted(table)}").fetchone()
    return {name for name, answer in zip(names, answers, strict=True) if answer}


def _references(connection: sqlite3.Connection, table: str, ddl: str) -> set[str]:
    """The columns that hold ids of strings: declared so, marked so in the table's definition, or known by name."""
    foreign_keys = connection.execute(f"PRAGMA foreign_key_list({quoted(table)})")
    declared = {row[3] for row in foreign_keys if row[2] == "StringIds"}
    marked = set()
    unmarked = _columns(connection, table).keys() & _USUAL_REFERENCES
    for line in ddl.splitlines():
        name = line.strip().split(" ")[0].strip('"`[]')
        if re.search(r"REFERENCES\s+StringIds\b", line):
            marked.add(name)
        elif "REFERENCES" in line:
            unmarked.discard(name)
    return declared | marked | unmarked
