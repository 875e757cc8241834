"""Our sums against what `nsys stats` printed for the same captures."""

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import kernel_rows, memop_rows
from workbench.trace.model import NONE, OperationKind

ORACLES = Path(__file__).parent / "oracles"
ALL = ("hf_qwen3_eager", "hf_qwen3_graph", "lc_llama3b_graphs")
WITH_RANGES = ("hf_qwen3_eager", "hf_qwen3_graph")
# nsys's names for what we call these kinds.
OPERATIONS = {
    "memset": "[CUDA memset]",
    "memcpy_h2d": "[CUDA memcpy Host-to-Device]",
    "memcpy_d2h": "[CUDA memcpy Device-to-Host]",
    "memcpy_d2d": "[CUDA memcpy Device-to-Device]",
}
Real = Callable[[str], Analysis]


def oracle(capture: str, report: str) -> list[dict[str, str]]:
    with (ORACLES / capture / f"{report}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def sums(rows: list[dict[str, str]], count: str) -> dict[str, tuple[int, int]]:
    """(count, total ns) by name; names that differ only in what nsys cuts off are added up."""
    total: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        name = row.get("Name") or row["Operation"]
        total[name][0] += int(row[count])
        total[name][1] += int(row["Total Time (ns)"])
    return {name: (calls, time_ns) for name, (calls, time_ns) in total.items()}


@pytest.mark.parametrize("capture", ALL)
def test_kernel_sums_equal_cuda_gpu_kern_sum(real: Real, capture: str) -> None:
    ours = {
        row.keys["kernel"]: (row.count, row.total_ns, row.min_ns, row.max_ns)
        for row in kernel_rows(real(capture).attribution, ["kernel"], demangled=True)
    }
    theirs = {
        row["Name"]: (int(row["Instances"]), int(row["Total Time (ns)"]), int(row["Min (ns)"]), int(row["Max (ns)"]))
        for row in oracle(capture, "cuda_gpu_kern_sum")
    }
    assert ours == theirs


@pytest.mark.parametrize("capture", ALL)
def test_kernel_medians_equal_cuda_gpu_kern_sum(real: Real, capture: str) -> None:
    ours = {
        row.keys["kernel"]: row.median_ns for row in kernel_rows(real(capture).attribution, ["kernel"], demangled=True)
    }
    assert ours == {row["Name"]: float(row["Med (ns)"]) for row in oracle(capture, "cuda_gpu_kern_sum")}


def test_short_names_equal_the_base_names_of_nsys(real: Real) -> None:
    ours = {
        row.keys["kernel"]: (row.count, row.total_ns)
        for row in kernel_rows(real("lc_llama3b_graphs").attribution, ["kernel"])
    }
    assert ours == sums(oracle("lc_llama3b_graphs", "cuda_gpu_kern_sum_base"), "Instances")


@pytest.mark.parametrize("capture", WITH_RANGES)
def test_own_ranges_equal_the_innermost_ranges_of_nsys(real: Real, capture: str) -> None:
    """For eager kernels, our own range is nsys's innermost range.

    For kernels replayed from a graph nsys names the range that was open at the replay (`decode_step N`), we the
    range in which the node was captured; so there only the sums over all ranges can be equal.
    """
    analysis = real(capture)
    attribution, trace = analysis.attribution, analysis.trace
    kernels = trace.operation_rows(OperationKind.KERNEL)
    own = attribution.own_range[kernels]
    is_eager = ~attribution.sites.is_graph_node[kernels]
    duration_ns = (trace.operations.end_ns - trace.operations.start_ns)[kernels]
    ours: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    replayed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for i in range(len(trace.kernels)):
        kernel = trace.strings[trace.operations.name[i]]
        if is_eager[i]:
            name = kernel if own[i] == NONE else f"{trace.strings[trace.ranges.name[own[i]]]}/{kernel}"
            target = ours[name]
        else:
            target = replayed[kernel]
        target[0] += 1
        target[1] += int(duration_ns[i])
    theirs: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    theirs_replayed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, (count, total_ns) in sums(oracle(capture, "cuda_gpu_kern_sum_nvtx-name_base"), "Instances").items():
        is_replay = capture == "hf_qwen3_graph" and name.startswith("decode_step")
        target = theirs_replayed[name.rpartition("/")[2]] if is_replay else theirs[name]
        target[0] += count
        target[1] += total_ns
    assert ours == theirs
    assert replayed == theirs_replayed


def test_every_graph_kernel_reaches_the_range_in_which_it_was_captured(real: Real) -> None:
    attribution = real("hf_qwen3_graph").attribution
    ranges = attribution.trace.ranges
    replayed = np.flatnonzero(attribution.sites.is_graph_node[: len(attribution.trace.kernels)])
    assert len(replayed) == 44_352
    own = attribution.own_range[replayed]
    assert (own != NONE).all()
    (capture,) = [row for row in range(len(ranges)) if attribution.trace.strings[ranges.name[row]] == "capture"]
    assert (ranges.start_ns[own] >= ranges.start_ns[capture]).all()
    assert (ranges.end_ns[own] <= ranges.end_ns[capture]).all()


@pytest.mark.parametrize("capture", ALL)
def test_api_sums_equal_cuda_api_sum(real: Real, capture: str) -> None:
    """nsys cuts a version of four digits off a call's name (`_v7000`), and leaves longer ones (`_v11060`)."""
    trace = real(capture).trace
    ours: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, start_ns, end_ns in zip(
        trace.texts(trace.calls.name), trace.calls.start_ns.tolist(), trace.calls.end_ns.tolist(), strict=True
    ):
        plain, _, version = name.rpartition("_v")
        target = ours[plain if plain and version.isdigit() and len(version) == 4 else name]
        target[0] += 1
        target[1] += end_ns - start_ns
    theirs = sums(oracle(capture, "cuda_api_sum"), "Num Calls")
    assert {name: tuple(total) for name, total in ours.items()} == theirs


@pytest.mark.parametrize("capture", ALL)
def test_copies_equal_the_memory_reports(real: Real, capture: str) -> None:
    time: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    size: dict[str, int] = defaultdict(int)
    for row in memop_rows(real(capture).attribution):
        name = OPERATIONS[row.kind]
        time[name][0] += row.count
        time[name][1] += row.total_ns
        size[name] += row.bytes
    assert {name: tuple(total) for name, total in time.items()} == sums(
        oracle(capture, "cuda_gpu_mem_time_sum"), "Count"
    )
    for row in oracle(capture, "cuda_gpu_mem_size_sum"):
        # nsys rounds to 0.001 MB.
        assert size[row["Operation"]] / 1e6 == pytest.approx(float(row["Total (MB)"]), abs=0.0005)


@pytest.mark.parametrize("capture", ALL)
def test_no_filter_or_key_loses_a_nanosecond(real: Real, capture: str) -> None:
    attribution = real(capture).attribution
    total_ns = real(capture).totals.kernel_ns
    for keys in (["phase"], ["phase", "layer_type"], ["step"], ["range", "kernel"], ["layer", "role"], ["stream"]):
        assert sum(row.total_ns for row in kernel_rows(attribution, keys)) == total_ns
