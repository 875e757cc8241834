import sqlite3
from pathlib import Path

import pytest

from tests.exports import Export
from workbench.errors import UserError
from workbench.trace.export import read_export
from workbench.trace.model import Trace


def changed(tmp_path: Path, *changes: str) -> Trace:
    """Two kernels, a copy and a memset, with these changes of the export's tables."""
    export = Export()
    export.launch("gemv", 100, 200, 230)
    export.launch("norm", 300, 400, 430)
    export.copy(1, 64, 440, 445, export.call("cudaMemcpyAsync_v3020", 435, 438))
    export.memset(4, 450, 451, export.call("cudaMemsetAsync_v3020", 446, 447))
    path = export.write(tmp_path / "export.sqlite")
    with sqlite3.connect(path) as connection:
        for change in changes:
            connection.execute(change)
    return read_export(path, "export.sqlite")


def test_what_ends_before_it_begins_counts_as_nothing(tmp_path: Path) -> None:
    trace = changed(
        tmp_path,
        "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 5 WHERE start = 200",
        "UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET end = 6",
    )
    assert (trace.operations.end_ns - trace.operations.start_ns).tolist() == [0, 30, 0, 1]
    assert trace.info.warnings == ("export.sqlite: 2 operations end before they begin; they count as zero ns.",)


def test_a_call_that_ends_before_it_begins(tmp_path: Path) -> None:
    trace = changed(tmp_path, "UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET end = 5 WHERE start = 100")
    assert (trace.calls.end_ns >= trace.calls.start_ns).all()
    assert trace.info.warnings == ("export.sqlite: 1 of the API calls ends before it begins; it counts as zero ns.",)


def test_a_whole_capture_is_left_as_it_is(tmp_path: Path) -> None:
    assert changed(tmp_path).info.warnings == ()


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = {2**62} WHERE start = 200",
        f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = {-(2**62) - 1} WHERE start = 200",
        f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = {2**61 + 1000}",
        f"UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET end = {2**63 - 1}",
        f"UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET bytes = {2**63 - 1}",
    ],
)
def test_times_and_sizes_whose_sums_overflow_are_an_error(tmp_path: Path, change: str) -> None:
    with pytest.raises(UserError, match=r"export\.sqlite: table CUPTI\w+ holds times or sizes"):
        changed(tmp_path, change)


def test_negative_sizes_and_kinds_are_nothing_and_unknown(tmp_path: Path) -> None:
    trace = changed(
        tmp_path,
        "UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET bytes = -64, copyKind = -1",
        "UPDATE CUPTI_ACTIVITY_KIND_MEMSET SET bytes = -4",
        "UPDATE TARGET_INFO_GPU SET smCount = -1, memoryBandwidth = -1, computeMajor = -9",
    )
    assert (trace.copies.bytes.tolist(), trace.copies.copy_kind.tolist()) == ([0], [0])
    assert trace.memsets.bytes.tolist() == [0]
    (device,) = trace.devices
    assert (device.sm_count, device.memory_bandwidth_bytes_per_s, device.compute_capability[0]) == (0, 0, 0)
