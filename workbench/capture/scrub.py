"""Removes environment, process names and paths from an SQLite export of nsys, and every string that nothing uses.

nsys keeps the whole environment of a program as one string among the names of its kernels, and a table that is
deleted leaves its strings, and its bytes, behind. So private tables and rows go first, then the strings that no
column refers to any more; what stays is cleaned, by whose words it is; and the file is rebuilt from what is left.
"""

import mmap
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.export import export_report
from workbench.capture.export_tables import (
    TextColumn,
    Voice,
    private_rows,
    private_tables,
    quoted,
    text_columns,
)
from workbench.capture.hidden_values import HiddenValue, hidden_values
from workbench.capture.paths import shorten_paths
from workbench.capture.recorded_environment import is_environment, recorded_environment
from workbench.capture.secrets import MASK
from workbench.compression import COMPRESSED_SUFFIXES, compress, decompress
from workbench.errors import UserError
from workbench.files import whole_file
from workbench.sqlite_header import check_complete

_REPORT = ".nsys-rep"
# What SQLite keeps beside a file that is being written, and would replay onto a new one of its name.
_LOGS = ("-wal", "-journal")
_SHARED_MEMORY = "-shm"
# Whose words each text is.
_Texts = list[tuple[Voice, str]]
_HOW_TO_EXPORT = "make one with `nsys export --type sqlite -o OUT.sqlite REPORT.nsys-rep`"


@dataclass(frozen=True)
class ScrubSummary:
    """What was removed.

    Attributes:
        tables: names of the tables that went.
        rows: how many rows of other tables went.
        strings: how many strings went because nothing refers to them.
        texts: how many strings and distinct texts lost a path or a value.
        hidden: the values of the environment that were masked in names of ranges.
    """

    tables: tuple[str, ...]
    rows: int
    strings: int
    texts: int
    hidden: tuple[HiddenValue, ...]


def scrub_capture(source: Path, target: Path, environment: Mapping[str, str] | None = None) -> ScrubSummary:
    """Writes a scrubbed copy of a capture; the target appears whole or not at all, and may be the source.

    Args:
        source: an `.sqlite` export, or one compressed as `.sqlite.xz` or `.sqlite.zst`, or an `.nsys-rep`.
        target: the file to write, compressed as its suffix says. Where it is the source, and a link, the file that
            the link points to is replaced.
        environment: variables whose values are removed besides those that the capture itself records.

    Raises:
        UserError: the source is no readable capture, or the target cannot be written.
    """
    if target.suffix == _REPORT:
        raise UserError(f"{target} cannot be written, for only nsys writes reports; give -o FILE.sqlite")
    if not source.is_file():
        what = "a folder" if source.is_dir() else "no such file"
        raise UserError(f"{source}: {what}; give an .sqlite export of nsys (.xz and .zst are read as they are)")
    place = target.resolve() if target == source else target
    for file in dict.fromkeys((source, source.resolve(), target, place)):
        _refuse_logs(file)
    try:
        with tempfile.TemporaryDirectory(prefix="wb-") as folder:
            export = Path(folder) / (source.stem if source.suffix in COMPRESSED_SUFFIXES else source.name)
            if source.suffix == _REPORT:
                export_report(source, export)
            else:
                decompress(source, export)
                check_complete(export, source.name)
            summary = scrub_export(export, environment)
            mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
            with whole_file(place) as work:
                compress(export, work, target.suffix)
            if mode is not None:
                place.chmod(mode)
            for suffix in (*_LOGS, _SHARED_MEMORY):
                _beside(place, suffix).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{source} cannot be scrubbed ({error}); make room for temporary files, or set TMPDIR"
        ) from error
    return summary


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _refuse_logs(path: Path) -> None:
    for log in (_beside(path, suffix) for suffix in _LOGS):
        if log.is_file() and log.stat().st_size:
            raise UserError(
                f"{log} holds changes that are not in {path.name} yet; close what writes it, and run "
                f"`sqlite3 {path.name} 'PRAGMA journal_mode=DELETE'`"
            )


def scrub_export(path: Path, environment: Mapping[str, str] | None = None) -> ScrubSummary:
    """Scrubs an export where it lies.

    Args:
        path: a private, uncompressed copy: after an error it is of no use.
        environment: variables whose values are removed besides those that the export itself records.

    Raises:
        UserError: the file is no export of nsys, or is damaged, or still holds a secret.
    """
    with _connection(path) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'StringIds'").fetchone() is None:
            raise UserError(f"{path.name} is an SQLite file but no nsys export; {_HOW_TO_EXPORT}")
        if connection.execute("PRAGMA encoding").fetchone()[0] != "UTF-8":
            raise UserError(f"{path.name} is in UTF-16, which nsys never writes; {_HOW_TO_EXPORT}")
        connection.execute("BEGIN")
        values = EnvironmentValues([*recorded_environment(connection), *(environment or {}).items()])
        tables = private_tables(connection)
        for table in tables:
            connection.execute(f"DROP TABLE {quoted(table)}")
        rows = sum(
            connection.execute(f"DELETE FROM {quoted(table)} WHERE {condition}").rowcount
            for table, condition in private_rows(connection).items()
        )
        columns = text_columns(connection)
        voices = _voices(connection, [column for column in columns if column.is_reference])
        strings = connection.execute("DELETE FROM StringIds WHERE id NOT IN (SELECT id FROM voices)").rowcount
        changed = _clean_strings(connection, voices, values)
        for column in columns:
            if not column.is_reference:
                changed += _clean_column(connection, column, values)
        connection.execute("DROP TABLE voices")
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    _refuse_leak(path, values)
    ranges = (_without_paths(text, voice) for voice, text in changed if voice is Voice.RANGE)
    return ScrubSummary(tables, rows, strings, len(changed), hidden_values(ranges, values))


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    try:
        # The file is private: nothing need survive a crash. A write-ahead log would hold what was deleted.
        for setting in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("PRAGMA secure_delete = ON")
        # A masked value need not fulfil what a table asks of its own.
        connection.execute("PRAGMA ignore_check_constraints = ON")
        _drop_programs(connection)
        yield connection
    except sqlite3.Error as error:
        raise UserError(f"{path.name} cannot be read as an SQLite file ({error}); {_HOW_TO_EXPORT}") from error
    finally:
        connection.close()


def _drop_programs(connection: sqlite3.Connection) -> None:
    """Drops triggers and views, which no export has and which could write what is being removed."""
    rows = connection.execute("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    for kind, name in rows:
        connection.execute(f"DROP {kind} IF EXISTS {quoted(name)}")


def _voices(connection: sqlite3.Connection, references: Iterable[TextColumn]) -> dict[int, Voice]:
    """Whose words each string is, by id; leaves the ids in a temporary table `voices`."""
    connection.execute("CREATE TEMP TABLE voices (id INTEGER PRIMARY KEY, voice INTEGER)")
    for reference in sorted(references, key=lambda reference: reference.voice):
        column = quoted(reference.column)
        connection.execute(
            f"INSERT OR IGNORE INTO voices SELECT DISTINCT {column}, {int(reference.voice)} "
            f"FROM main.{quoted(reference.table)} WHERE typeof({column}) = 'integer'"
        )
    return {key: Voice(voice) for key, voice in connection.execute("SELECT id, voice FROM voices")}


def _clean_strings(connection: sqlite3.Connection, voices: Mapping[int, Voice], values: EnvironmentValues) -> _Texts:
    """Cleans the strings; returns those that changed, as they were."""
    changed: _Texts = []
    changes = []
    query = "SELECT id, CAST(value AS TEXT) FROM StringIds WHERE typeof(value) IN ('text', 'blob')"
    for key, text in connection.execute(query):
        voice = voices.get(key, Voice.OTHER)
        if (cleaned := _clean(text, voice, values)) != text:
            changed.append((voice, text))
            changes.append((_stored(cleaned), key))
    connection.executemany("UPDATE StringIds SET value = CAST(? AS TEXT) WHERE id = ?", changes)
    return changed


def _clean_column(connection: sqlite3.Connection, column: TextColumn, values: EnvironmentValues) -> _Texts:
    """Cleans a column of text; returns the distinct texts that changed, as they were."""
    table, name = quoted(column.table), quoted(column.column)
    distinct = connection.execute(
        f"SELECT DISTINCT CAST({name} AS BLOB) FROM {table} WHERE typeof({name}) IN ('text', 'blob')"
    )
    texts = (raw.decode(errors="surrogateescape") for (raw,) in distinct)
    changes = [(text, cleaned) for text in texts if (cleaned := _clean(text, column.voice, values)) != text]
    connection.execute("CREATE TEMP TABLE changes (old BLOB PRIMARY KEY, new BLOB)")
    connection.executemany("INSERT INTO changes VALUES (?, ?)", [(_stored(old), _stored(new)) for old, new in changes])
    new = f"CASE typeof({name}) WHEN 'blob' THEN new ELSE CAST(new AS TEXT) END"
    # Of rows that must differ in what is masked, one stays.
    connection.execute(
        f"UPDATE OR REPLACE {table} SET {name} = (SELECT {new} FROM changes WHERE old = CAST({name} AS BLOB)) "
        f"WHERE typeof({name}) IN ('text', 'blob') AND CAST({name} AS BLOB) IN (SELECT old FROM changes)"
    )
    connection.execute("DROP TABLE changes")
    return [(column.voice, text) for text, _ in changes]


def _clean(text: str, voice: Voice, values: EnvironmentValues) -> str:
    if is_environment(text):
        return MASK
    text = _without_paths(text, voice)
    return values.mask_in_code(text) if voice is Voice.CODE else values.mask_in_speech(text)


def _without_paths(text: str, voice: Voice) -> str:
    return shorten_paths(text, may_be_name=voice is Voice.RANGE)


def _stored(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _refuse_leak(path: Path, values: EnvironmentValues) -> None:
    """Searches the finished file's bytes for the environment's secrets, in case a table is of an unknown shape."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if values.secret_in(content):
            raise UserError(
                f"{path.name} still holds the value of a secret environment variable after scrubbing; "
                "keep it to yourself, and report this as a defect of the workbench"
            )
