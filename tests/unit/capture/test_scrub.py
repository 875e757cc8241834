import lzma
import shutil
import sqlite3
import stat
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import CAPTURES, capture_path
from tests.unit.capture.private_exports import PRIVATE, STRINGS, TEXTS, TOKEN, write_private_export
from workbench.capture.hidden_values import HiddenValue
from workbench.capture.scrub import scrub_capture, scrub_export
from workbench.errors import UserError
from workbench.trace.columns import Columns
from workbench.trace.open import open_trace, uncompressed


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_private_export(tmp_path / "capture.sqlite")


def _ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_no_private_byte_stays(export: Path) -> None:
    before = export.read_bytes()
    assert all(text.encode() in before for text in PRIVATE)
    scrub_export(export)
    after = export.read_bytes()
    assert [text for text in PRIVATE if text.encode() in after] == []


def test_names_in_use_stay(export: Path) -> None:
    scrub_export(export)
    strings = dict(_ask(export, "SELECT id, value FROM StringIds"))
    kept = {key: STRINGS[key] for key in (2, 3, 4, 6)}
    assert strings == kept | {5: "libcuda.so.1", 11: "later", 12: "request of ***"}


def test_texts_of_ranges(export: Path) -> None:
    scrub_export(export)
    texts = [text for (text,) in _ask(export, "SELECT text FROM NVTX_EVENTS WHERE text IS NOT NULL")]
    assert texts == [TEXTS[0], TEXTS[1], "load model.gguf", TEXTS[3], "by ***", TEXTS[5]]


def test_rows_of_metadata_and_diagnostics(export: Path) -> None:
    scrub_export(export)
    assert _ask(export, "SELECT name, value FROM META_DATA_EXPORT") == [
        ("EXPORT_SCHEMA_VERSION", "3.7.2"),
        ("EXPORT_PRODUCT_VERSION", "2023.4.4.54"),
    ]
    assert [text for (text,) in _ask(export, "SELECT text FROM DIAGNOSTIC_EVENT ORDER BY timestamp")] == [
        "NVTX payload extension is incompatible, see log.",
        "Installation in target is broken.",
        "Number of CUDA events collected: 7.",
    ]


def test_the_summary_counts(export: Path) -> None:
    summary = scrub_export(export)
    assert set(summary.tables) == {
        "ProcessStreams",
        "ThreadNames",
        "PROCESSES",
        "TARGET_INFO_SYSTEM_ENV",
        "META_DATA_CAPTURE",
    }
    assert (summary.rows, summary.strings, summary.texts) == (3, 5, 7)
    assert summary.hidden == (HiddenValue(("HF_TOKEN",), 1), HiddenValue(("TEAM",), 1))


def test_ranges_that_lost_a_value_are_counted_by_name(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.executemany(
            "INSERT INTO NVTX_EVENTS VALUES (1, 59, ?, NULL)",
            [("blueberry 1",), ("blueberry 1",), ("blueberry 2",), ("/home/blueberry/x",)],
        )
        # A string that only code uses is not masked, and not counted.
        connection.execute("UPDATE StringIds SET value = 'blueberry_kernel, blueberry' WHERE id = 3")
    connection.close()
    summary = scrub_export(export, {"FRUIT": "blueberry"})
    assert summary.hidden[0] == HiddenValue(("FRUIT",), 2)


def test_an_environment_that_a_column_refers_to_goes_all_the_same(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.execute("UPDATE NVTX_EVENTS SET textId = 1 WHERE textId = 4")
    connection.close()
    scrub_export(export)
    assert _ask(export, "SELECT value FROM StringIds WHERE id = 1") == [("***",)]


def test_references_are_known_by_name_where_comments_are_lost(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.execute("CREATE TABLE copied AS SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL")
        connection.execute("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL")
        connection.execute("ALTER TABLE copied RENAME TO CUPTI_ACTIVITY_KIND_KERNEL")
    connection.close()
    scrub_export(export)
    # launchType is 10, the id of an orphan, and no reference.
    assert {key for (key,) in _ask(export, "SELECT id FROM StringIds")} == {2, 3, 4, 5, 6, 11, 12}


def test_values_of_a_given_environment_are_masked(export: Path) -> None:
    scrub_export(export, {"GREETING": "Qwen/Qwen3-4B", "SHORT": "prefill", "PASSWORD": "softmax_attention"})
    texts = [text for (text,) in _ask(export, "SELECT text FROM NVTX_EVENTS WHERE text IS NOT NULL")]
    assert texts[-1] == "***"
    strings = dict(_ask(export, "SELECT id, value FROM StringIds"))
    # Short and harmless, as against secret by its variable's name.
    assert (strings[4], strings[3]) == ("prefill", "***")


def test_a_secret_where_nobody_looks_is_refused(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.execute("UPDATE ENUM_CUDA_KERNEL_LAUNCH_TYPE SET label = ?", (TOKEN,))
    connection.close()
    with pytest.raises(UserError, match="still holds"):
        scrub_export(export)


def test_invalid_utf8_passes(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.execute("INSERT INTO StringIds VALUES (20, CAST(X'FF2F6F70742F782F79FE' AS TEXT))")
        connection.execute("INSERT INTO StringIds VALUES (21, CAST(X'FE20FF' AS TEXT))")
        connection.execute("INSERT INTO NVTX_EVENTS VALUES (1, 59, NULL, 20), (1, 59, NULL, 21)")
        connection.execute("INSERT INTO NVTX_EVENTS VALUES (1, 59, CAST(X'20FF202F6F70742F782F79' AS TEXT), NULL)")
    connection.close()
    scrub_export(export)
    assert _ask(export, "SELECT hex(value), typeof(value) FROM StringIds WHERE id IN (20, 21)") == [
        ("FF79FE", "text"),
        ("FE20FF", "text"),
    ]
    assert ("20FF2079",) in _ask(export, "SELECT hex(text) FROM NVTX_EVENTS")


def test_triggers_and_write_ahead_logs_go(export: Path) -> None:
    connection = sqlite3.connect(export)
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute(
            "CREATE TRIGGER keep AFTER DELETE ON StringIds "
            "BEGIN INSERT INTO ENUM_CUDA_KERNEL_LAUNCH_TYPE VALUES (2, OLD.value, ''); END"
        )
    connection.close()
    scrub_export(export)
    assert b"forgotten string" not in export.read_bytes()
    assert _ask(export, "PRAGMA journal_mode") == [("delete",)]
    assert [file.name for file in export.parent.iterdir()] == [export.name]


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_compressed_in_and_out(export: Path, tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / f"in.sqlite{suffix}", tmp_path / f"out.sqlite{suffix}"
    match suffix:
        case "":
            shutil.copy(export, source)
        case ".xz":
            source.write_bytes(lzma.compress(export.read_bytes()))
        case ".zst":
            with pa.CompressedOutputStream(str(source), "zstd") as file:
                file.write(export.read_bytes())
    before = source.read_bytes()
    scrub_capture(source, target)
    assert source.read_bytes() == before
    with uncompressed(target) as plain:
        assert _ask(plain, "SELECT count(*) FROM StringIds") == [(7,)]
    scrub_capture(source, source)
    with uncompressed(source) as plain:
        assert _ask(plain, "SELECT count(*) FROM StringIds") == [(7,)]


def _change(export: Path, script: str) -> None:
    connection = sqlite3.connect(export)
    connection.executescript(script)
    connection.close()


def test_text_goes_from_columns_of_any_type(export: Path) -> None:
    types = ("NUMERIC", "JSON", "STRING", "ANY", "INTEGER", "BLOB", "")
    for number, kind in enumerate(types):
        _change(export, f"CREATE TABLE T{number} (x {kind}); INSERT INTO T{number} VALUES (7), ('by blue-whale-seven')")
    _change(export, "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, '/home/alice/x', 3, 4)")
    scrub_export(export)
    for number in range(len(types)):
        assert [str(x) for (x,) in _ask(export, f"SELECT x FROM T{number}")] == ["7", "by ***"]
    assert b"alice" not in export.read_bytes()


def test_tables_without_row_ids_and_with_rules(export: Path) -> None:
    _change(
        export,
        """CREATE TABLE W (x TEXT PRIMARY KEY CHECK (length(x) > 5)) WITHOUT ROWID;
        INSERT INTO W VALUES ('/home/alice/x'), ('/home/alice/y/x'), ('another one')""",
    )
    scrub_export(export)
    assert _ask(export, "SELECT x FROM W") == [("another one",), ("x",)]


def test_utf_16_is_refused(tmp_path: Path) -> None:
    export = tmp_path / "wide.sqlite"
    _change(export, "PRAGMA encoding = 'UTF-16'; CREATE TABLE StringIds (id, value)")
    with pytest.raises(UserError, match="UTF-16"):
        scrub_capture(export, export)


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_changes_beside_the_file_are_not_forgotten(export: Path, tmp_path: Path, suffix: str) -> None:
    log = tmp_path / f"{export.name}{suffix}"
    log.write_bytes(b"changes")
    before = export.read_bytes()
    for target in (export, tmp_path / "out.sqlite"):
        with pytest.raises(UserError, match="holds changes"):
            scrub_capture(export, target)
    assert export.read_bytes() == before
    log.write_bytes(b"")
    (tmp_path / f"{export.name}-shm").write_bytes(b"index")
    scrub_capture(export, export)
    assert [file.name for file in tmp_path.iterdir()] == [export.name]


def test_a_capture_that_is_cut_off_at_the_end_is_refused(export: Path, tmp_path: Path) -> None:
    export.write_bytes(export.read_bytes()[:-4096])
    with pytest.raises(UserError, match="cut off"):
        scrub_capture(export, tmp_path / "out.sqlite")
    assert not (tmp_path / "out.sqlite").exists()


def test_in_place_a_link_stays_a_link_and_its_file_keeps_its_mode(export: Path, tmp_path: Path) -> None:
    export.chmod(0o600)
    link = tmp_path / "link.sqlite"
    link.symlink_to(export)
    scrub_capture(link, link)
    assert link.is_symlink()
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    assert TOKEN.encode() not in export.read_bytes()


def _bad_files(export: Path) -> dict[str, bytes]:
    content = export.read_bytes()
    return {
        "cut.sqlite": content[: len(content) // 2],
        "text.sqlite": b"no database, but long enough to have a header " * 10,
        "empty.sqlite": b"",
        "cut.sqlite.xz": lzma.compress(content)[:-50],
        "garbage.sqlite.xz": b"garbage",
        "garbage.sqlite.zst": b"garbage",
    }


@pytest.mark.parametrize("name", _bad_files(Path(__file__)))
def test_a_bad_source_is_the_users_error(export: Path, tmp_path: Path, name: str) -> None:
    source, target = tmp_path / name, tmp_path / "out.sqlite"
    source.write_bytes(_bad_files(export)[name])
    with pytest.raises(UserError, match=name):
        scrub_capture(source, target)
    assert not target.exists()
    assert source.read_bytes() == _bad_files(export)[name]


def test_sources_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        scrub_capture(tmp_path / "nothing.sqlite", tmp_path / "out.sqlite")
    with pytest.raises(UserError, match="a folder"):
        scrub_capture(tmp_path, tmp_path / "out.sqlite")


def test_a_target_that_only_nsys_can_write(export: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only nsys writes reports"):
        scrub_capture(export, tmp_path / "out.nsys-rep")


@pytest.mark.parametrize("name", CAPTURES)
def test_readers_find_the_same_in_a_scrubbed_copy(name: str, tmp_path: Path) -> None:
    copy = tmp_path / capture_path(name).name
    scrub_capture(capture_path(name), copy)
    before, after = open_trace(capture_path(name)), open_trace(copy)
    assert (before.info, before.devices, before.strings) == (after.info, after.devices, after.strings)
    for part in fields(before):
        table = getattr(before, part.name)
        if isinstance(table, Columns):
            for column in table.names():
                np.testing.assert_array_equal(getattr(table, column), getattr(getattr(after, part.name), column))
        elif isinstance(table, np.ndarray):
            np.testing.assert_array_equal(table, getattr(after, part.name))
