import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exports import VERSIONS, Export, global_tid
from workbench.errors import UserError
from workbench.trace.export import read_export
from workbench.trace.model import NO_PAYLOAD, NONE, OPEN_END_NS, OperationKind, RangeStyle, Trace


def small(version: str = "2025.3") -> Export:
    """One eager kernel in a range, one graph of one node replayed, a copy, a memset."""
    export = Export(version)
    export.domain(1, "engine")
    export.category(4, "attention", domain=1)
    export.range("decode_step 0", 90, 400, domain=1, category=4, payload=0)
    export.launch("gemv", 100, 200, 230, long_name="void gemv<float>(float*)", grid=(3, 2, 1))
    export.node(10, 120)
    export.node(20, 130, original=10)
    replay = export.call("cudaGraphLaunch_v10000", 300, 310)
    export.kernel("norm", 320, 330, replay, node=20)
    export.copy(1, 64, 340, 345, export.call("cudaMemcpyAsync_v3020", 335, 338))
    export.memset(4, 350, 351, export.call("cudaMemsetAsync_v3020", 346, 347))
    return export


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_the_same_trace(read: Callable[[Export], Trace], version: str) -> None:
    trace = read(small(version))
    assert trace.info.schema_version == VERSIONS[version].schema
    assert trace.info.nsys_version == VERSIONS[version].product
    assert not trace.info.warnings
    operations = trace.operations
    assert operations.kind.tolist() == [0, 0, 1, 2]
    assert operations.start_ns.tolist() == [200, 320, 340, 350]
    assert trace.texts(operations.name) == ["gemv", "norm", "", ""]
    assert operations.graph_node.tolist() == [NONE, 20, NONE, NONE]
    assert trace.texts(trace.kernels.demangled) == ["void gemv<float>(float*)", "norm"]
    assert (trace.kernels.grid_x[0], trace.kernels.grid_y[0]) == (3, 2)
    assert (trace.graph_nodes.node.tolist(), trace.graph_nodes.original.tolist()) == ([10, 20], [NONE, 10])
    assert trace.copies.bytes.tolist() == [64]
    assert trace.memsets.bytes.tolist() == [4]
    ranges = trace.ranges
    assert trace.texts(ranges.name) == ["decode_step 0"]
    assert (trace.texts(ranges.domain), trace.texts(ranges.category)) == (["engine"], ["attention"])
    assert ranges.payload.tolist() == [0]
    assert trace.devices[0].sm_count == 132
    assert trace.pid(0) == 7


def test_a_table_of_whole_graphs_is_not_taken_for_nodes(tmp_path: Path) -> None:
    """Since 2024.2 CUDA_GRAPH_EVENTS holds whole graphs; before, it held the nodes."""
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE CUDA_GRAPH_EVENTS (start, end, globalTid, graphId, originalGraphId)")
        connection.execute("INSERT INTO CUDA_GRAPH_EVENTS VALUES (1, 1, 1, 1, 1)")
        connection.execute("DROP TABLE CUDA_GRAPH_NODE_EVENTS")
    trace = read_export(path, "export.sqlite")
    assert len(trace.graph_nodes) == 0
    assert any("CUDA_GRAPH_NODE_EVENTS" in lack.what for lack in trace.info.lacks)


@pytest.mark.parametrize(
    "table",
    ["CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_MEMSET", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS"],
)
def test_a_missing_table_is_named_with_its_cost(tmp_path: Path, table: str) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute(f"DROP TABLE {table}")
    (lack,) = read_export(path, "export.sqlite").info.lacks
    assert table in lack.what
    assert lack.cost


def test_nothing_is_lacking_in_a_whole_capture(read: Callable[[Export], Trace]) -> None:
    assert read(small()).info.lacks == ()


def test_missing_optional_tables_of_metadata(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE TARGET_INFO_GPU")
        connection.execute("DROP TABLE META_DATA_EXPORT")
    trace = read_export(path, "export.sqlite")
    assert (trace.devices, trace.info.nsys_version, trace.info.schema_version) == ((), "", "")


def test_a_newer_schema_is_read_with_one_sentence_of_warning(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE META_DATA_EXPORT SET value = '4.1.0' WHERE name = 'EXPORT_SCHEMA_VERSION'")
    (warning,) = read_export(path, "export.sqlite").info.warnings
    assert "4.1.0" in warning
    assert warning.count(". ") == 0


def test_a_schema_version_that_is_no_number_is_no_obstacle(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE META_DATA_EXPORT SET value = 'x.y' WHERE name = 'EXPORT_SCHEMA_VERSION'")
    assert read_export(path, "export.sqlite").info.warnings == ()


def test_texts_that_are_null_for_thousands_of_rows(read: Callable[[Export], Trace]) -> None:
    """The reader must not take a column's type from its first rows."""
    export = Export()
    for number in range(70_000):
        export.range(f"registered {number % 7}", number, number + 1, registered=True)
    export.range("its own text", 80_000, 80_001)
    export.launch("gemv", 80_000, 80_100, 80_200)
    trace = read(export)
    assert len(trace.ranges) == 70_001
    assert trace.strings[trace.ranges.name[-1]] == "its own text"
    assert trace.strings[trace.ranges.name[6]] == "registered 6"


def test_nullable_columns_may_be_null(read: Callable[[Export], Trace]) -> None:
    export = small()
    export.add("NVTX_EVENTS", start=5, eventType=59)
    export.add("CUPTI_ACTIVITY_KIND_RUNTIME", start=1, end=2, eventClass=0, nameId=0, returnValue=0)
    trace = read(export)
    first = int(np.flatnonzero(trace.ranges.start_ns == 5)[0])
    assert trace.ranges.end_ns[first] == OPEN_END_NS
    assert trace.ranges.payload[first] == NO_PAYLOAD
    assert trace.strings[trace.ranges.name[first]] == ""
    assert trace.calls.correlation[0] == NONE


def test_rows_are_sorted_whatever_their_order(tmp_path: Path) -> None:
    export = small()
    for rows in export.rows.values():
        rows.reverse()
    trace = read_export(export.write(tmp_path / "export.sqlite"), "export.sqlite")
    assert trace.operations.start_ns.tolist() == [200, 320, 340, 350]
    assert (np.diff(trace.calls.start_ns) >= 0).all()
    assert trace.texts(trace.operations.name) == ["gemv", "norm", "", ""]


def test_marks_are_no_ranges(read: Callable[[Export], Trace]) -> None:
    export = small()
    export.add("NVTX_EVENTS", start=5, eventType=34, text="a mark", globalTid=global_tid(7, 7))
    assert len(read(export).ranges) == 1


def test_start_end_ranges_and_open_ones(read: Callable[[Export], Trace]) -> None:
    export = small()
    export.range("request", 10, 500, style="start_end", end_tid=9)
    export.range("forever", 20, None)
    trace = read(export)
    styles = dict(zip(trace.texts(trace.ranges.name), trace.ranges.style.tolist(), strict=True))
    assert styles["request"] == RangeStyle.START_END
    assert trace.ranges.end_ns[trace.texts(trace.ranges.name).index("forever")] == OPEN_END_NS


def test_names_of_domains_and_categories_are_a_processes_own(read: Callable[[Export], Trace]) -> None:
    export = Export()
    for pid, domain, category in ((7, "one", "norm"), (8, "two", "mlp")):
        export.domain(1, domain, pid=pid)
        export.category(5, category, domain=1, pid=pid)
        export.range("r", 10 + pid, 20 + pid, pid=pid, domain=1, category=5)
        export.range("s", 30 + pid, 40 + pid, pid=pid, domain=9, category=6)
        export.launch("k", 12 + pid, 50 + pid, 60 + pid, pid=pid)
    trace = read(export)
    assert trace.texts(trace.ranges.domain) == ["one", "two", "domain 9", "domain 9"]
    assert trace.texts(trace.ranges.category) == ["norm", "mlp", "6", "6"]


@pytest.mark.parametrize("first", ["engine", "mlp"])
def test_a_domain_or_category_may_bear_the_name_of_the_first_string(
    read: Callable[[Export], Trace], first: str
) -> None:
    export = Export()
    export.string(first)
    export.domain(1, "engine")
    export.category(5, "mlp", domain=1)
    export.range("r", 10, 20, domain=1, category=5)
    export.launch("k", 12, 50, 60)
    trace = read(export)
    assert trace.strings[0] == first
    assert (trace.texts(trace.ranges.domain), trace.texts(trace.ranges.category)) == (["engine"], ["mlp"])


@pytest.mark.parametrize("version", VERSIONS)
def test_texts_that_are_not_utf8_are_read_with_replacements(tmp_path: Path, version: str) -> None:
    path = small(version).write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE NVTX_EVENTS SET text = CAST(X'61FF' || CAST(text AS BLOB) AS TEXT)")
        connection.execute("UPDATE StringIds SET value = CAST(X'62FE' || CAST(value AS BLOB) AS TEXT)")
    trace = read_export(path, "export.sqlite")
    assert trace.texts(trace.ranges.name) == ["a\ufffddecode_step 0"]
    assert trace.texts(trace.ranges.domain) == ["a\ufffdengine"]
    assert trace.texts(trace.operations.name[:2]) == ["b\ufffdgemv", "b\ufffdnorm"]


def test_graph_rows_are_operations_of_their_own(read: Callable[[Export], Trace]) -> None:
    export = Export()
    export.hidden_graph(3, 100, 200, export.call("cudaGraphLaunch_v10000", 50, 60))
    trace = read(export)
    assert trace.operations.kind.tolist() == [OperationKind.GRAPH]
    assert trace.graphs.graph.tolist() == [3]
    assert "--cuda-graph-trace=node" in trace.info.warnings[0]


def test_an_export_without_kernels_is_an_error(tmp_path: Path) -> None:
    export = Export()
    export.call("cudaMalloc_v3020", 1, 2)
    with pytest.raises(UserError, match="neither kernels nor graph launches"):
        read_export(export.write(tmp_path / "export.sqlite"), "export.sqlite")


def test_an_sqlite_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(UserError, match="no nsys export"):
        read_export(path, "other.sqlite")


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"\0" * 5000])
def test_a_file_that_is_not_sqlite_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.sqlite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.sqlite"):
        read_export(path, "broken.sqlite")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_cut_off_is_an_error(tmp_path: Path, share: float) -> None:
    path = small().write(tmp_path / "export.sqlite")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=r"cut off|cannot be read"):
        read_export(path, "export.sqlite")


def test_damage_inside_is_an_error(tmp_path: Path) -> None:
    export = small()
    for number in range(3000):
        export.launch("gemv", 1000 + number, 5000 + number, 5001 + number)
    path = export.write(tmp_path / "export.sqlite")
    content = bytearray(path.read_bytes())
    content[8192:-4096:512] = b"\xff" * len(content[8192:-4096:512])
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read"):
        read_export(path, "export.sqlite")


def test_text_where_numbers_belong_is_an_error(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'soon'")
    with pytest.raises(UserError, match="CUPTI_ACTIVITY_KIND_KERNEL"):
        read_export(path, "export.sqlite")


def test_a_number_too_large_for_its_column_is_an_error_and_no_wrong_number(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET gridX = 5000000000")
    with pytest.raises(UserError, match="do not fit"):
        read_export(path, "export.sqlite")


def test_a_kernel_whose_name_is_not_in_the_export_keeps_its_time(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET shortName = 99999, demangledName = -5")
    trace = read_export(path, "export.sqlite")
    assert trace.texts(trace.operations.name[:2]) == ["", ""]
    assert trace.operations.end_ns[0] - trace.operations.start_ns[0] == 30


def test_operations_without_a_process_belong_to_the_only_one(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET globalPid = NULL")
    trace = read_export(path, "export.sqlite")
    assert set(trace.operations.process.tolist()) == {0}
    assert len(trace.processes) == 1


def test_a_path_with_odd_characters(tmp_path: Path) -> None:
    folder = tmp_path / "50% of? #1 & ü"
    folder.mkdir()
    assert len(read_export(small().write(folder / "a b.sqlite"), "a b.sqlite").kernels) == 2


def test_reading_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    before = path.read_bytes()
    read_export(path, "export.sqlite")
    assert [file.name for file in tmp_path.iterdir()] == ["export.sqlite"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", ["3", "3.7", "X'FF33'", "'3.²'", "NULL", "'3.99999999999999999999'"])
def test_a_schema_version_may_be_anything(tmp_path: Path, version: str) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE META_DATA_EXPORT SET value = {version} WHERE name = 'EXPORT_SCHEMA_VERSION'")
    assert read_export(path, "export.sqlite").info.warnings == ()


@pytest.mark.parametrize(("value", "name"), [("NULL", ""), ("7", "7"), ("X'67FF'", "g\ufffd")])
def test_strings_that_are_no_text(tmp_path: Path, value: str, name: str) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        # The column's own affinity would turn a number into a text.
        rows = connection.execute("SELECT id, value FROM StringIds").fetchall()
        connection.execute("DROP TABLE StringIds")
        connection.execute("CREATE TABLE StringIds (id, value)")
        connection.executemany("INSERT INTO StringIds VALUES (?, ?)", [*rows, (None, "nobody")])
        connection.execute(f"UPDATE StringIds SET value = {value} WHERE value = 'gemv'")
    trace = read_export(path, "export.sqlite")
    assert trace.texts(trace.operations.name)[0] == name


@pytest.mark.parametrize(("gpu", "cuda"), [("NULL", "NULL"), ("'a'", "'b'"), ("0", "'b'"), ("X'00'", "0")])
def test_ids_of_devices_that_are_no_numbers(tmp_path: Path, gpu: str, cuda: str) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE IF EXISTS TARGET_INFO_CUDA_DEVICE")
        connection.execute("CREATE TABLE TARGET_INFO_CUDA_DEVICE (gpuId, cudaId)")
        connection.execute(f"INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES ({gpu}, {cuda})")
    assert [device.sm_count for device in read_export(path, "export.sqlite").devices] == [132]


@pytest.mark.parametrize("name", [b"smCount", b"TARGET_INFO_GPU"])
def test_names_of_tables_and_columns_that_are_no_utf8(tmp_path: Path, name: bytes) -> None:
    path = small().write(tmp_path / "export.sqlite")
    content = path.read_bytes()
    assert name in content
    path.write_bytes(content.replace(name, name[:-1] + b"\xff"))
    try:
        read_export(path, "export.sqlite")
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- either outcome is fine


def test_a_kernel_table_without_a_column_is_named(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL DROP COLUMN demangledName")
    with pytest.raises(UserError, match="CUPTI_ACTIVITY_KIND_KERNEL has no column demangledName"):
        read_export(path, "export.sqlite")


def test_a_view_of_kernels_is_named(tmp_path: Path) -> None:
    path = small().write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME TO kernels")
        connection.execute("CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT * FROM kernels")
    with pytest.raises(UserError, match="CUPTI_ACTIVITY_KIND_KERNEL is a view"):
        read_export(path, "export.sqlite")
