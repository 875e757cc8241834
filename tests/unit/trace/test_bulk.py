import sqlite3
from pathlib import Path

import pytest

from workbench.trace import bulk
from workbench.trace.bulk import find_source, read_tables
from workbench.trace.schema import Column, TableSchema

TABLE = TableSchema(
    "numbers",
    ("NEW", "OLD"),
    (
        Column("key", ("key",), "int64", -1, required=True),
        Column("value", ("first", "second"), "int32", -7),
        Column("label", ("label",), "text", ""),
        Column("absent", ("absent",), "int8", 3),
    ),
    where="key != 13",
)


def write(path: Path, table: str, rows: list[tuple[object, ...]], columns: str = "key, first, second, label") -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table} ({columns})")
        marks = ", ".join("?" * len(columns.split(",")))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    return path


def test_the_newest_candidate_with_all_required_columns_is_taken() -> None:
    columns = {"NEW": ["first"], "OLD": ["key", "second"]}
    source = find_source(TABLE, columns)
    assert source is not None
    assert source.name == "OLD"
    assert source.expressions == {"key": 'coalesce("key", -1)', "value": 'coalesce("second", -7)'}
    assert find_source(TABLE, {"NEW": ["first"]}) is None


def test_columns_are_coalesced_defaulted_and_filtered(tmp_path: Path) -> None:
    rows = [(1, None, 5, "a"), (13, 1, 1, "dropped"), (2, 4, 6, None), (None, None, None, "a")]
    path = write(tmp_path / "x.sqlite", "NEW", rows)
    source = find_source(TABLE, {"NEW": ["key", "first", "second", "label"]})
    assert source is not None
    data = read_tables(path, [source])["numbers"]
    # SQL's NULL != 13 is not true: a NULL key is filtered as well.
    assert data.rows == 2
    assert data.integers["key"].tolist() == [1, 2]
    assert data.integers["value"].tolist() == [5, 4]
    assert data.integers["value"].dtype == "int32"
    assert data.integers["absent"].tolist() == [3, 3]
    codes, values = data.texts["label"]
    assert [values[code] for code in codes] == ["a", ""]


@pytest.mark.parametrize("slice_rows", [1, 7, 100, 10_000])
def test_slices_and_batches_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_rows: int
) -> None:
    monkeypatch.setattr(bulk, "SLICE_ROWS", slice_rows)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 16)
    rows = [(number, number * 2, None, f"label {number % 5}") for number in range(100, 300)]
    path = write(tmp_path / "x.sqlite", "NEW", rows)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM NEW WHERE key % 3 = 0")
        kept = list(connection.execute("SELECT key FROM NEW"))
    source = find_source(TABLE, {"NEW": ["key", "first", "second", "label"]})
    assert source is not None
    data = read_tables(path, [source])["numbers"]
    assert [(key,) for key in data.integers["key"].tolist()] == kept
    codes, values = data.texts["label"]
    assert [values[code] for code in codes] == [f"label {key % 5}" for (key,) in kept]


def test_texts_of_any_bytes_and_types(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are replaced; two texts that then look alike are one."""
    path = write(tmp_path / "x.sqlite", "NEW", [])
    with sqlite3.connect(path) as connection:
        for value in ("CAST(X'FF' AS TEXT)", "CAST(X'FE' AS TEXT)", "X'61FF'", "'\u00fc'", "12", "''"):
            connection.execute(f"INSERT INTO NEW VALUES (1, 1, 1, {value})")
    source = find_source(TABLE, {"NEW": ["key", "first", "second", "label"]})
    assert source is not None
    codes, values = read_tables(path, [source])["numbers"].texts["label"]
    assert [values[code] for code in codes] == ["\ufffd", "\ufffd", "a\ufffd", "\u00fc", "12", ""]
    assert len(values) == 5


def test_an_empty_table(tmp_path: Path) -> None:
    path = write(tmp_path / "x.sqlite", "NEW", [])
    source = find_source(TABLE, {"NEW": ["key", "first", "second", "label"]})
    assert source is not None
    data = read_tables(path, [source])["numbers"]
    assert data.rows == 0
    assert len(data.integers["key"]) == len(data.integers["absent"]) == len(data.texts["label"][0]) == 0


def test_row_ids_far_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "x.sqlite", "NEW", [(1, 1, 1, "a")])
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO NEW(rowid, key, first) VALUES (9000000000000000000, 2, 2)")
    source = find_source(TABLE, {"NEW": ["key", "first", "second", "label"]})
    assert source is not None
    assert read_tables(path, [source])["numbers"].integers["key"].tolist() == [1, 2]
