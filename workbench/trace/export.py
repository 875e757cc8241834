"""Opens one SQLite export of nsys: is it whole, which tables does it hold, what do they say."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UserError
from workbench.recorders import ENGINE_CPU
from workbench.sqlite_header import check_complete
from workbench.trace import schema
from workbench.trace.assemble import assemble
from workbench.trace.bulk import SourceTable, TableData, find_source, read_tables, sqlite_uri
from workbench.trace.columns import IntArray
from workbench.trace.metadata import Metadata, as_text, read_metadata
from workbench.trace.model import NONE, CaptureInfo, Lack, Trace
from workbench.trace.plausible import plausible
from workbench.trace.used_strings import without_unused_strings

_HOW_TO_EXPORT = "make one with `nsys export --type sqlite -o OUT.sqlite REPORT.nsys-rep`"


def read_export(path: Path, file_name: str) -> Trace:
    """Reads the SQLite export at `path`; `file_name` is what the user calls it.

    Raises:
        UserError: the file is no complete export, or holds neither kernels nor graph launches.
    """
    check_complete(path, file_name)
    with _connection(path, file_name) as connection:
        columns_of = _columns_by_table(connection)
        views = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
        if "StringIds" not in columns_of:
            raise UserError(f"{file_name} is an SQLite file but no nsys export; {_HOW_TO_EXPORT}")
        rows = connection.execute("SELECT id, value FROM StringIds")
        strings = {key: as_text(value) for key, value in rows if isinstance(key, int)}
        metadata = read_metadata(connection, columns_of)
    sources = [source for table in schema.TABLES if (source := find_source(table, columns_of)) is not None]
    data = {table.name: _no_rows(table) for table in schema.TABLES} | read_tables(path, sources)
    if not (data["kernels"].rows or data["graphs"].rows):
        _check_tables_of_operations(columns_of, views, file_name)
        raise UserError(
            f"{file_name}: the capture holds neither kernels nor graph launches; trace the program with "
            "`nsys profile --trace=cuda,nvtx --cuda-graph-trace=node`"
        )
    data, changes = plausible(data, sources, file_name)
    info = _info(file_name, metadata, sources, data)
    info = replace(info, warnings=(*info.warnings, *changes))
    return without_unused_strings(assemble(info, metadata.devices, data, strings))


@contextmanager
def _connection(path: Path, file_name: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(sqlite_uri(path), uri=True)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise UserError(f"{file_name} cannot be read as an SQLite file ({error}); {_HOW_TO_EXPORT}") from error
    finally:
        connection.close()


def _columns_by_table(connection: sqlite3.Connection) -> dict[str, list[str]]:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')] for name in tables}


def _check_tables_of_operations(columns_of: dict[str, list[str]], views: set[str], file_name: str) -> None:
    """Says why a table of kernels or graph launches that is there cannot be read, if that is so."""
    for table in (schema.KERNELS, schema.GRAPHS):
        for name in table.candidates:
            if name in views:
                raise UserError(f"{file_name}: {name} is a view, not the table that nsys writes; {_HOW_TO_EXPORT}")
            present = columns_of.get(name)
            needed = [column.sources for column in table.columns if column.required]
            missing = [] if present is None else [names[0] for names in needed if not set(names) & set(present)]
            if missing:
                raise UserError(f"{file_name}: table {name} has no column {missing[0]}; {_HOW_TO_EXPORT}")


def _no_rows(table: schema.TableSchema) -> TableData:
    integers: dict[str, IntArray] = {
        column.name: np.empty(0, np.dtype(column.type)) for column in table.columns if column.type != "text"
    }
    texts: dict[str, tuple[NDArray[np.int32], list[str]]] = {
        column.name: (np.empty(0, np.int32), []) for column in table.columns if column.type == "text"
    }
    return TableData(0, integers, texts)


def _info(
    file_name: str, metadata: Metadata, sources: Sequence[SourceTable], data: dict[str, TableData]
) -> CaptureInfo:
    tables = {source.schema.name: source.name for source in sources}
    return CaptureInfo(
        file_name=file_name,
        nsys_version=metadata.nsys_version,
        schema_version=metadata.schema_version,
        recorded_utc=metadata.recorded_utc,
        tables=tables,
        lacks=() if metadata.recorder == ENGINE_CPU else _lacks(tables, data),
        warnings=_warnings(file_name, metadata, data),
        recorder=metadata.recorder,
    )


def _lacks(tables: dict[str, str], data: dict[str, TableData]) -> tuple[Lack, ...]:
    """The tables that are missing where the capture gives reason to expect them."""
    lacks = []
    replays_nodes = bool((data["kernels"].integers["graph_node"] != NONE).any())
    for table in schema.TABLES:
        expected = table.cost_of_lack and (table is not schema.GRAPH_NODES or replays_nodes)
        if expected and table.name not in tables:
            lacks.append(Lack(f"no table {table.candidates[0]}", table.cost_of_lack))
    if data["graphs"].rows:
        lacks.append(
            Lack(
                f"{data['graphs'].rows} graph launches are recorded as single rows",
                "their kernels are hidden: capture again with `--cuda-graph-trace=node`",
            )
        )
    return tuple(lacks)


def _warnings(file_name: str, metadata: Metadata, data: dict[str, TableData]) -> tuple[str, ...]:
    warnings = []
    if metadata.schema > schema.NEWEST_KNOWN_SCHEMA:
        known = ".".join(map(str, schema.NEWEST_KNOWN_SCHEMA))
        warnings.append(
            f"{file_name} has export schema {metadata.schema_version}, newer than the newest known here ({known}): "
            "it is read as far as its tables are understood."
        )
    if data["graphs"].rows:
        warnings.append(
            f"{file_name} was traced at graph level, which hides the kernels of {data['graphs'].rows} graph "
            "launches: capture again with --cuda-graph-trace=node."
        )
    return (*warnings, *metadata.problems)
