import os
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import capture_path
from workbench.errors import UserError
from workbench.trace.model import OperationKind
from workbench.trace.open import open_trace
from workbench.trace.stats_csv import NamedTotal, StatsTables, is_stats_folder, read_stats_folder

ORACLES = Path(__file__).parents[2] / "golden" / "oracles"
STATISTICS = "Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns)"
KERNELS = f"Time (%),Total Time (ns),Instances,{STATISTICS},Name"
MEMORY = f"Time (%),Total Time (ns),Count,{STATISTICS},Operation"
CALLS = f"Time (%),Total Time (ns),Num Calls,{STATISTICS},Name"
BOTH = f"Time (%),Total Time (ns),Instances,{STATISTICS},Category,Operation"


def row(total: str, count: str, *names: str) -> str:
    return ",".join(["50.0", total, count, "1.0", "1.0", "1", "1", "0.0", *names])


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows, ""])


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, newline="")
    return folder


def kernels_of(folder: Path, text: str) -> tuple[NamedTotal, ...] | None:
    return read_stats_folder(write(folder, cuda_gpu_kern_sum=text)).kernels


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        read_stats_folder(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def counted(totals: tuple[NamedTotal, ...] | None) -> dict[str, tuple[int, int]]:
    assert totals is not None
    return {total.name: (total.count, total.total_ns) for total in totals}


@pytest.mark.parametrize("capture", ["hf_qwen3_eager", "hf_qwen3_graph", "lc_llama3b_graphs"])
def test_what_nsys_printed_is_what_the_capture_holds(capture: str) -> None:
    tables = read_stats_folder(ORACLES / capture)
    trace = open_trace(capture_path(capture))
    kernels = trace.operation_rows(OperationKind.KERNEL)
    duration_ns = (trace.operations.end_ns - trace.operations.start_ns)[kernels].tolist()
    names = trace.texts(trace.kernels.demangled)
    time_ns: Counter[str] = Counter()
    for name, ns in zip(names, duration_ns, strict=True):
        time_ns[name] += ns
    assert counted(tables.kernels) == {name: (count, time_ns[name]) for name, count in Counter(names).items()}
    assert tables.memory is not None
    assert sum(total.count for total in tables.memory) == len(trace.copies) + len(trace.memsets)
    assert {total.name for total in tables.memory} <= {"memset", "memcpy_h2d", "memcpy_d2h", "memcpy_d2d"}
    assert tables.calls is not None
    assert sum(total.count for total in tables.calls) == len(trace.calls)
    assert sum(total.total_ns for total in tables.calls) == int((trace.calls.end_ns - trace.calls.start_ns).sum())
    assert (tables.name, tables.rounded_to_ns) == (capture, 1)
    assert "cuda_gpu_mem_size_sum.csv" in tables.passed_over


def test_a_folder_with_a_prefix(tmp_path: Path) -> None:
    write(
        tmp_path,
        run_1_cuda_gpu_kern_sum=table(KERNELS, row("300", "2", '"void gemv<int, float>(int)"')),
        run_1_cuda_gpu_mem_time_sum=table(MEMORY, row("40", "1", "[CUDA memset]")),
        run_1_cuda_api_sum=table(CALLS, row("90", "3", "cudaLaunchKernel")),
    )
    assert read_stats_folder(tmp_path) == StatsTables(
        name="run_1",
        kernels=(NamedTotal("void gemv<int, float>(int)", 2, 300),),
        memory=(NamedTotal("memset", 1, 40),),
        calls=(NamedTotal("cudaLaunchKernel", 3, 90),),
        passed_over=(),
    )


def test_a_prefix_may_look_like_a_report(tmp_path: Path) -> None:
    write(tmp_path, cuda_api_sum_cuda_gpu_kern_sum=table(KERNELS, row("300", "2", "gemv")))
    tables = read_stats_folder(tmp_path)
    assert (tables.name, tables.calls) == ("cuda_api_sum", None)
    assert counted(tables.kernels) == {"gemv": (2, 300)}


def test_the_folder_names_the_capture_where_no_prefix_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, cuda_gpu_kern_sum=table(KERNELS, row("300", "2", "gemv")))
    monkeypatch.chdir(tmp_path)
    assert read_stats_folder(Path()).name == tmp_path.name


def test_what_no_file_tells_is_none(tmp_path: Path) -> None:
    tables = read_stats_folder(write(tmp_path, cuda_api_sum=table(CALLS, row("90", "3", "cuInit"))))
    assert (tables.kernels, tables.memory) == (None, None)


@pytest.mark.parametrize(
    "text", ["", "\r\n", f"{MEMORY}\n", "Processing [a.sqlite]...\nSKIPPED: a.sqlite does not contain GPU memory data."]
)
def test_a_report_without_rows_tells_that_there_were_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, cuda_gpu_kern_sum=table(KERNELS, row("300", "2", "gemv")), cuda_gpu_mem_time_sum=text)
    assert read_stats_folder(tmp_path).memory == ()


def test_nothing_but_empty_reports_is_refused(tmp_path: Path) -> None:
    assert "no report has a row" in refusal(write(tmp_path, cuda_gpu_kern_sum="", cuda_api_sum=f"{CALLS}\n"))


@pytest.mark.parametrize("others", [{}, {"cuda_gpu_kern_sum": "", "cuda_gpu_mem_time_sum": f"{MEMORY}\n"}])
def test_the_sum_of_both_stands_in_for_what_is_missing(tmp_path: Path, others: dict[str, str]) -> None:
    both = table(
        BOTH, row("300", "2", "CUDA_KERNEL", "gemv"), row("40", "1", "MEMORY_OPER", "[CUDA memcpy Host-to-Device]")
    )
    tables = read_stats_folder(write(tmp_path, cuda_gpu_sum=both, **others))
    assert counted(tables.kernels) == {"gemv": (2, 300)}
    assert counted(tables.memory) == {"memcpy_h2d": (1, 40)}
    assert tables.calls is None


def test_a_report_of_its_own_comes_before_the_sum_of_both(tmp_path: Path) -> None:
    write(
        tmp_path,
        cuda_gpu_sum=table(BOTH, row("300", "2", "CUDA_KERNEL", "range/gemv")),
        cuda_gpu_kern_sum=table(KERNELS, row("300", "2", "gemv")),
    )
    tables = read_stats_folder(tmp_path)
    assert counted(tables.kernels) == {"gemv": (2, 300)}
    assert tables.memory == ()


def test_rows_of_one_name_are_added_up_and_the_longest_come_first(tmp_path: Path) -> None:
    with_grids = KERNELS.replace("Name", "GridXYZ,BlockXYZ,Name")
    rows = [
        row("100", "1", "   1    1    1", " 256    1    1", "norm"),
        row("90", "1", "   2    1    1", " 256    1    1", "gemv"),
        row("20", "4", "   4    1    1", " 256    1    1", "gemv"),
    ]
    assert kernels_of(tmp_path, table(with_grids, *rows)) == (
        NamedTotal("gemv", 5, 110),
        NamedTotal("norm", 1, 100),
    )


@pytest.mark.parametrize(
    ("unit", "total", "total_ns", "rounded_to_ns"),
    [
        (" (ns)", "481088", 481_088, 1),
        ("", "481088", 481_088, 1),
        (" (us)", "481.088", 481_088, 1),
        (" (µs)", "481.088", 481_088, 1),
        (" (ms)", "0.4811", 481_100, 100),
        (" (msec)", "0.481088", 481_088, 1),
        (" (sec)", "0.0005", 500_000, 100_000),
        (" (sec)", "0.0000", 0, 100_000),
        (" (s)", "2", 2_000_000_000, 1_000_000_000),
    ],
)
def test_the_header_tells_the_unit(tmp_path: Path, unit: str, total: str, total_ns: int, rounded_to_ns: int) -> None:
    text = table(KERNELS.replace(" (ns)", unit), row(total, "44", "gemv"))
    tables = read_stats_folder(write(tmp_path, cuda_gpu_kern_sum=text))
    assert counted(tables.kernels) == {"gemv": (44, total_ns)}
    assert tables.rounded_to_ns == rounded_to_ns


@pytest.mark.parametrize(
    ("printed", "ours"),
    [
        ("[CUDA memset]", "memset"),
        ("[CUDA memcpy Device-to-Device]", "memcpy_d2d"),
        ("[CUDA memcpy DtoH]", "memcpy_d2h"),
        ("[CUDA memcpy Host-to-Array]", "memcpy_h2a"),
        ("[CUDA memcpy Peer-to-Peer]", "memcpy_p2p"),
        ("[CUDA memcpy Unified Host-to-Device]", "memcpy_uvm_h2d"),
        ("[CUDA Unified Memory memcpy DtoH]", "memcpy_uvm_d2h"),
        ("[CUDA memcpy Unknown]", "memcpy_unknown"),
        ("[CUDA memcpy Moon-to-Earth]", "[CUDA memcpy Moon-to-Earth]"),
    ],
)
def test_kinds_of_copies_have_our_names(tmp_path: Path, printed: str, ours: str) -> None:
    write(tmp_path, cuda_gpu_mem_time_sum=table(MEMORY, row("40", "1", printed)))
    assert counted(read_stats_folder(tmp_path).memory) == {ours: (1, 40)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "Processing [a, b.sqlite] with [reports/cuda_gpu_kern_sum.py]... \n",
        "\n ** CUDA GPU Kernel Summary (cuda_gpu_kern_sum):\n\n",
    ],
)
def test_shells_and_what_stands_before_the_header(tmp_path: Path, encoding: str, newline: str, before: str) -> None:
    text = before + table(KERNELS, row("300", "2", "gemv")) + "\n"
    (tmp_path / "cuda_gpu_kern_sum.csv").write_text(text, encoding=encoding, newline=newline)
    assert counted(read_stats_folder(tmp_path).kernels) == {"gemv": (2, 300)}


def test_quoted_cells(tmp_path: Path) -> None:
    quoted = [",".join(f'"{cell}"' for cell in line.split(",")) for line in (KERNELS, row("300", "2", "gemv"))]
    assert kernels_of(tmp_path, table(*quoted)) == (NamedTotal("gemv", 2, 300),)


OTHERS = (
    "cuda_gpu_kern_gb_sum.csv",
    "cuda_gpu_kern_sum:mangled.csv",
    "cuda_gpu_kern_sum_nvtx-name_base.csv",
    "cuda_gpu_sum_base.csv",
    "gpukernsum.csv",
    "network_congestion_ticks_threshold=10.csv",
    "nvtx_gpu_proj_sum.csv",
    "um_sum_rows=5.csv",
)


@pytest.mark.parametrize("prefix", ["", "run_"])
def test_other_reports_of_nsys_are_passed_over_unread(tmp_path: Path, prefix: str) -> None:
    write(tmp_path, **{f"{prefix}cuda_gpu_kern_sum": table(KERNELS, row("300", "2", "gemv"))})
    for name in OTHERS:
        (tmp_path / f"{prefix}{name}").write_bytes(b"\xff\x00")
    (tmp_path / ".notes.csv").touch()
    (tmp_path / "README.md").touch()
    assert read_stats_folder(tmp_path).passed_over == tuple(sorted(f"{prefix}{name}" for name in OTHERS))


def test_a_folder_of_other_reports_alone_is_refused(tmp_path: Path) -> None:
    assert "none of the reports" in refusal(write(tmp_path, nvtx_sum="", cuda_gpu_kern_sum_base=""))


@pytest.mark.parametrize(
    "name", ["notes", "cuda_gpu_kern_sum_2", "gpu_kern_sum", "mycuda_api_sum", "cuda_api_sum_fast"]
)
def test_a_file_of_no_report_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, **{"cuda_gpu_kern_sum": table(KERNELS, row("300", "2", "gemv")), name: ""})
    assert f"{name}.csv is named after no report" in refusal(tmp_path)


@pytest.mark.parametrize("second", ["cuda_api_sum", "b_cuda_api_sum", "b_nvtx_sum"])
def test_a_second_prefix_is_refused(tmp_path: Path, second: str) -> None:
    write(tmp_path, **{"a_cuda_gpu_kern_sum": table(KERNELS, row("300", "2", "gemv")), second: ""})
    assert "several captures" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("report", "header"),
    [
        ("cuda_gpu_kern_sum", CALLS),
        ("cuda_gpu_kern_sum", MEMORY),
        ("cuda_gpu_kern_sum", KERNELS.replace("Name", "Style,Range")),
        ("cuda_gpu_kern_sum", KERNELS.replace("Name", "Source,Name")),
        ("cuda_gpu_mem_time_sum", KERNELS),
        ("cuda_gpu_mem_time_sum", BOTH),
        ("cuda_gpu_mem_time_sum", "Total (MB),Count,Avg (MB),Med (MB),Min (MB),Max (MB),StdDev (MB),Operation"),
        ("cuda_api_sum", KERNELS),
        ("cuda_api_sum", CALLS.replace("Name", "Event Type,Name")),
        ("cuda_gpu_sum", MEMORY),
        ("cuda_gpu_kern_sum", KERNELS + ",Name"),
    ],
)
def test_the_header_of_another_report_is_refused(tmp_path: Path, report: str, header: str) -> None:
    cells = row("300", "2", *["gemv"] * (header.count(",") - 7))
    assert "header of another report" in refusal(write(tmp_path, **{report: table(header, cells)}))


def test_a_file_without_a_table_is_refused(tmp_path: Path) -> None:
    assert "no table" in refusal(write(tmp_path, cuda_gpu_kern_sum="Processing [a.sqlite]...\nkilled\n"))
    assert "no table" in refusal(write(tmp_path, cuda_gpu_kern_sum=table(row("300", "2", "gemv"))))


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    text = table(KERNELS.replace("(ns)", "(fortnights)"), row("300", "2", "gemv"))
    assert "`fortnights`" in refusal(write(tmp_path, cuda_gpu_kern_sum=text))


def test_api_calls_among_gpu_operations_are_refused(tmp_path: Path) -> None:
    text = table(BOTH, row("300", "2", "CUDA_API", "cudaMalloc"))
    assert "line 2: the category `CUDA_API`" in refusal(write(tmp_path, cuda_gpu_sum=text))


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (row("-300", "2", "gemv"), "`-300` is no time"),
        (row("nan", "2", "gemv"), "`nan` is no time"),
        (row("inf", "2", "gemv"), "`inf` is no time"),
        (row("1e300", "2", "gemv"), "`1e300` is no time"),
        (row("٣", "2", "gemv"), "is no time"),
        (row("", "2", "gemv"), "`` is no time"),
        (row("9" * 5000, "2", "gemv"), "is no time"),
        (row("300.5", "2", "gemv"), "no whole number of nanoseconds"),
        (row("0", "2", "gemv"), "took no time"),
        (row("300", "2.5", "gemv"), "`2.5` is no count"),
        (row("300", "-2", "gemv"), "`-2` is no count"),
        (row("300", "0", "gemv"), "`0` is no count"),
        (row("300", "many", "gemv"), "`many` is no count"),
        (row("300", "2", " "), "no name"),
        (row("300", "2"), "9 columns, this row 8"),
        (row("300", "2", "gemv", "gemm"), "9 columns, this row 10"),
        (row("300", "2", '"gemv<int, '), "unexpected end of data"),
        (row("300", "2", "g" * 200_000), "field larger than field limit"),
        (f"\nProcessing [a.sqlite]...\n{CALLS}", "9 columns, this row 1"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_place(tmp_path: Path, bad: str, problem: str) -> None:
    text = "Processing [a.sqlite]...\n" + table(KERNELS, row("300", "2", "norm"), bad)
    line = 5 if bad.startswith("\n") else 4
    message = refusal(write(tmp_path, cuda_gpu_kern_sum=text))
    assert f"cuda_gpu_kern_sum.csv, line {line}: " in message
    assert problem in message


def test_a_call_may_be_shorter_than_its_clock_tells(tmp_path: Path) -> None:
    tables = read_stats_folder(write(tmp_path, cuda_api_sum=table(CALLS, row("0", "1", "cuKernelGetName"))))
    assert counted(tables.calls) == {"cuKernelGetName": (1, 0)}


@pytest.mark.parametrize(("total", "count"), [(str(2**61), "1"), ("1", str(2**61))])
def test_sums_that_would_overflow_are_refused(tmp_path: Path, total: str, count: str) -> None:
    assert kernels_of(tmp_path, table(KERNELS, row(total, count, "gemv"))) is not None
    text = table(KERNELS, row(total, count, "gemv"), row(total, count, "norm"))
    assert "2^62" in refusal(write(tmp_path, cuda_gpu_kern_sum=text))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cuda_gpu_kern_sum.csv"
    path.write_bytes(b"\xffnot text")
    assert "no text in UTF-8" in refusal(tmp_path)
    path.unlink()
    os.mkfifo(path)
    assert "no ordinary file" in refusal(tmp_path)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in refusal(tmp_path)
    path.rmdir()
    path.symlink_to("nowhere")
    assert "cannot be read (No such file" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "nowhere")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "cuda_gpu_kern_sum.csv").open("wb") as file:
        file.truncate(10 << 30)
    assert "larger than 64 MiB" in refusal(tmp_path)


def test_which_folders_are_of_nsys_stats(tmp_path: Path) -> None:
    assert not is_stats_folder(tmp_path)
    write(tmp_path, cuda_api_sum="")
    assert is_stats_folder(tmp_path)
    assert not is_stats_folder(tmp_path / "cuda_api_sum.csv")
    assert not is_stats_folder(tmp_path / "nowhere")
    for name in ("a.sqlite", "a.sqlite.xz", "a.sqlite.zst", "a.db", "a.nsys-rep", "manifest.json"):
        (tmp_path / name).touch()
        assert not is_stats_folder(tmp_path)
        (tmp_path / name).unlink()
    assert is_stats_folder(tmp_path)
