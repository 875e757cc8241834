"""Reads whole tables of an SQLite file into NumPy arrays, through the ADBC driver and on all cores.

SQLite hands out rows one by one; the ADBC driver packs them into Arrow batches in C, without the interpreter's
lock, so slices of one table are read side by side. Two habits of the driver shape this module: it takes a
column's type from its first batch, so every column is coalesced to a value that is never NULL; and its `dbapi`
module imports pandas, so the statements below use the driver manager directly.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_sqlite
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import UserError
from workbench.trace.arrow import to_numpy
from workbench.trace.columns import IntArray
from workbench.trace.schema import Column, TableSchema

BATCH_ROWS = 65_536
SLICE_ROWS = 250_000
MOST_SLICES = 256


@dataclass(frozen=True)
class SourceTable:
    """A table of ours as one export spells it.

    `expressions` gives, for each column that the export has, the SQL that reads it.
    """

    schema: TableSchema
    name: str
    expressions: dict[str, str]


@dataclass(frozen=True)
class TableData:
    """A table read: integer columns by name, and text columns as (codes, values); bytes no UTF-8 become U+FFFD."""

    rows: int
    integers: dict[str, IntArray]
    texts: dict[str, tuple[NDArray[np.int32], list[str]]]


def sqlite_uri(path: Path) -> str:
    """A URI that opens `path` for reading only, whatever characters it holds."""
    return f"file:{quote(os.fsencode(path.resolve()))}?mode=ro"


def find_source(schema: TableSchema, columns_of: dict[str, list[str]]) -> SourceTable | None:
    """The first candidate of `schema` that exists with all its required columns, or None.

    Args:
        schema: the table wanted.
        columns_of: the export's column names, by table.
    """
    for candidate in schema.candidates:
        present = columns_of.get(candidate)
        if present is None:
            continue
        expressions = {}
        for column in schema.columns:
            sources = [source for source in column.sources if source in present]
            if sources:
                expressions[column.name] = _expression(column, sources)
        if all(column.name in expressions for column in schema.columns if column.required):
            return SourceTable(schema, candidate, expressions)
    return None


def _expression(column: Column, sources: Sequence[str]) -> str:
    default = f"'{column.default}'" if isinstance(column.default, str) else str(column.default)
    return "coalesce(" + ", ".join([*(f'"{source}"' for source in sources), default]) + ")"


def read_tables(path: Path, sources: Sequence[SourceTable]) -> dict[str, TableData]:
    """Reads these tables of the file at `path`; the result is keyed by our names.

    Raises:
        UserError: the file is damaged, or a column holds what it cannot hold.
    """
    with ThreadPoolExecutor(_cores()) as pool:
        spans = [span for source in sources for span in _row_spans(path, source)]
        slices = list(zip(spans, pool.map(lambda span: _count_rows(path, span), spans), strict=True))
        tables = {}
        for source in sources:
            own = [(span, rows) for span, rows in slices if span.source is source]
            tables[source.schema.name] = _Table(source, [rows for _, rows in own])
        reads = [
            pool.submit(_read_span, path, span, tables[source.schema.name], index)
            for source in sources
            for index, (span, _) in enumerate(part for part in slices if part[0].source is source)
        ]
        for read in reads:
            read.result()
    return {name: table.finished() for name, table in tables.items()}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Span:
    """The rows of a table with low <= rowid < high."""

    source: SourceTable
    low: int
    high: int

    @property
    def where(self) -> str:
        """The SQL condition."""
        own = f" AND {self.source.schema.where}" if self.source.schema.where else ""
        return f"rowid >= {self.low} AND rowid < {self.high}{own}"


def _row_spans(path: Path, source: SourceTable) -> list[_Span]:
    # Two queries in one: SQLite reads the whole table when both are asked of it at once.
    name = f'"{source.name}"'
    row = _ask(path, source, f"SELECT (SELECT min(rowid) FROM {name}), (SELECT max(rowid) FROM {name})")
    first, last = row
    if first is None:
        return []
    count = max(1, min(MOST_SLICES, -(-(last - first + 1) // SLICE_ROWS)))
    bounds = [first + (last - first + 1) * i // count for i in range(count + 1)]
    return [_Span(source, low, high) for low, high in pairwise(bounds)]


def _count_rows(path: Path, span: _Span) -> int:
    (rows,) = _ask(path, span.source, f'SELECT count(*) FROM "{span.source.name}" WHERE {span.where}')
    return int(rows)


def _ask(path: Path, source: SourceTable, query: str) -> tuple[Any, ...]:
    connection = sqlite3.connect(sqlite_uri(path), uri=True)
    try:
        row: tuple[Any, ...] = connection.execute(query).fetchone()
        return row
    except sqlite3.Error as error:
        raise _damaged(path, source, error) from error
    finally:
        connection.close()


class _Table:
    """A table under construction: its columns are allocated whole, and slices are written into them."""

    def __init__(self, source: SourceTable, slice_rows: list[int]) -> None:
        self.columns = [column for column in source.schema.columns if column.name in source.expressions]
        self.rows = sum(slice_rows)
        self.first_rows = list(accumulate(slice_rows, initial=0))
        self._source = source
        self._integers = {
            column.name: np.empty(self.rows, column.type) for column in self.columns if column.type != "text"
        }
        self._texts = {
            column.name: [_TextSlice() for _ in slice_rows] for column in self.columns if column.type == "text"
        }

    def write(self, column: Column, index: int, row: int, array: pa.Array) -> None:
        """Puts part of a column, of slice `index`, at `row`; a number that does not fit is an error."""
        if column.type == "text":
            self._texts[column.name][index].append(array)
            return
        if not pa.types.is_integer(array.type):
            raise TypeError(f"column {column.sources[0]} holds {array.type}, not integers")
        values = to_numpy(array)
        limits = np.iinfo(column.type)
        if column.type != "int64" and len(values) and not limits.min <= values.min() <= values.max() <= limits.max:
            raise OverflowError(f"column {column.sources[0]} holds numbers that do not fit {column.type}")
        self._integers[column.name][row : row + len(values)] = values

    def finished(self) -> TableData:
        """The table; columns that the export lacks hold their default."""
        integers: dict[str, IntArray] = {}
        texts: dict[str, tuple[NDArray[np.int32], list[str]]] = {}
        for column in self._source.schema.columns:
            if column.type == "text":
                texts[column.name] = _join_texts(self._texts.get(column.name, []), self.rows)
            elif column.name in self._integers:
                integers[column.name] = self._integers[column.name]
            else:
                integers[column.name] = np.broadcast_to(np.array(column.default, column.type), self.rows)
        return TableData(self.rows, integers, texts)


def _read_span(path: Path, span: _Span, table: _Table, index: int) -> None:
    expressions = ", ".join(span.source.expressions[column.name] for column in table.columns)
    row = table.first_rows[index]
    try:
        for batch in _batches(path, f'SELECT {expressions} FROM "{span.source.name}" WHERE {span.where}'):
            for column, array in zip(table.columns, batch.columns, strict=True):
                table.write(column, index, row, array)
            row += batch.num_rows
    except (adbc_driver_manager.Error, pa.ArrowException, OverflowError, TypeError) as error:
        raise _damaged(path, span.source, error) from error


def _batches(path: Path, query: str) -> Iterator[pa.RecordBatch]:
    with (
        adbc_driver_sqlite.connect(sqlite_uri(path)) as database,
        adbc_driver_manager.AdbcConnection(database) as connection,
        adbc_driver_manager.AdbcStatement(connection) as statement,
    ):
        statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
        statement.set_sql_query(query)
        stream, _ = statement.execute_query()
        with pa.RecordBatchReader.from_stream(stream) as reader:
            yield from reader


class _TextSlice:
    """Part of a text column, as codes into its own distinct values."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.codes: list[NDArray[np.int32]] = []
        self._code_of: dict[str, int] = {}

    def append(self, array: pa.Array) -> None:
        # As bytes, for Arrow refuses text that is not UTF-8, which a program may well put into a range's name.
        texts = array if pa.types.is_binary(array.type) else array.cast(pa.string()).cast(pa.binary())
        encoded = pc.dictionary_encode(texts)
        translation = self.translation([raw.decode(errors="replace") for raw in encoded.dictionary.to_pylist()])
        self.codes.append(translation[to_numpy(encoded.indices)])

    def translation(self, values: Sequence[str]) -> NDArray[np.int32]:
        """Codes of these values, which are added where they are new."""
        codes = np.empty(len(values), np.int32)
        for i, value in enumerate(values):
            codes[i] = self._code_of.setdefault(value, len(self.values))
            if codes[i] == len(self.values):
                self.values.append(value)
        return codes


def _join_texts(slices: Sequence[_TextSlice], rows: int) -> tuple[NDArray[np.int32], list[str]]:
    whole = _TextSlice()
    if not slices:
        return np.zeros(rows, np.int32), [""]
    for part in slices:
        translation = whole.translation(part.values)
        whole.codes.extend(translation[codes] for codes in part.codes)
    return np.concatenate([np.empty(0, np.int32), *whole.codes]), whole.values


def _damaged(path: Path, source: SourceTable, error: Exception) -> UserError:
    # The driver adds the whole query on a line of its own.
    reason = str(error).partition("\n")[0]
    return UserError(
        f"{path.name}: table {source.name} cannot be read ({reason}); export the capture again with "
        "`nsys export --type sqlite`"
    )
