"""Reads a folder of CSV files that `nsys stats` printed of one capture: totals by name, without times.

The reports and their columns are described in nsys's Post-Collection Analysis Guide; what the guide leaves open was
read off nsys 2022.4, 2023.4 and 2025.3. Kernels of graphs that were recorded as single rows are in none of them.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.errors import UserError
from workbench.files import UnsuitableFileError, read_ordinary_file
from workbench.manifest import FILE_NAME as MANIFEST_NAME
from workbench.trace.plausible import MOST_NS
from workbench.trace.schema import COPY_KINDS

Kind = Literal["kernels", "memory", "calls"]

_CAPTURE_SUFFIXES = (".sqlite", ".sqlite.xz", ".sqlite.zst", ".db", ".nsys-rep")
_MOST_BYTES = 64 << 20
# nsys prints up to two lines before a table; other programs' output may stand there, too.
_MOST_LINES_BEFORE_HEADER = 100


@dataclass(frozen=True)
class NamedTotal:
    """What was recorded under one name: how often, and for how long in all."""

    name: str
    count: int
    total_ns: int


@dataclass(frozen=True)
class StatsTables:
    """What a folder of `nsys stats`' CSV files tells of one capture, each table with the longest total first.

    Attributes:
        name: the files' prefix; the folder's name where they have none.
        kernels: by name as nsys prints it (long, where the report was asked for without options); None where no
            file tells, empty where nsys looked and had recorded none.
        memory: copies and memsets by kind, named as elsewhere here (`memcpy_h2d`, `memset`); a kind that is unknown
            here keeps nsys's name. None and empty as for kernels.
        calls: CUDA API calls by name. None and empty as for kernels.
        passed_over: other reports of nsys in the folder, which were not read; file names.
        rounded_to_ns: totals are multiples of this, for nsys rounds where it prints in ms (to 100 ns) or in seconds
            (to 100 us); 1 where they are exact.
    """

    name: str
    kernels: tuple[NamedTotal, ...] | None
    memory: tuple[NamedTotal, ...] | None
    calls: tuple[NamedTotal, ...] | None
    passed_over: tuple[str, ...]
    rounded_to_ns: int = 1


@dataclass(frozen=True)
class _Report:
    """How a report that is read here looks: its columns, and what it is about.

    Attributes:
        name: the column of names.
        counts: what the column of counts has been called.
        kind: what its rows are; None where `Category` tells.
    """

    name: str
    counts: tuple[str, ...]
    kind: Kind | None


@dataclass(frozen=True)
class _Row:
    kind: Kind
    name: str
    count: int
    total_ns: int
    rounded_to_ns: int


_REPORTS = {
    "cuda_gpu_kern_sum": _Report("Name", ("Instances",), "kernels"),
    "cuda_gpu_mem_time_sum": _Report("Operation", ("Count", "Instances", "Operations"), "memory"),
    "cuda_api_sum": _Report("Name", ("Num Calls", "Calls"), "calls"),
    "cuda_gpu_sum": _Report("Operation", ("Instances", "Count"), None),
}
_CATEGORIES: Mapping[str, Kind] = {"CUDA_KERNEL": "kernels", "MEMORY_OPER": "memory"}
# Columns by which reports with otherwise equal headers tell their rows apart. Grid and block are not among them:
# for some versions they were part of cuda_gpu_kern_sum.
_OF_OTHER_REPORTS = {"Category", "Event Type", "PID", "Range", "Source", "Style", "TID"}
# What else `nsys stats` prints (the guide, and 2023.4's `--help-reports`); and what reports were called until 2022.4.
_OTHER_REPORTS = (
    "cuda_api_gpu_sum|cuda_api_trace|cuda_gpu_kern_gb_sum|cuda_gpu_mem_size_sum|cuda_gpu_trace|cuda_kern_exec_sum|"
    "cuda_kern_exec_trace|dx11_pix_sum|dx12_gpu_marker_sum|dx12_pix_sum|mpi_event_sum|mpi_event_trace|"
    "mpi_msg_size_sum|network_congestion|nvtx_gpu_proj_sum|nvtx_gpu_proj_trace|nvtx_kern_sum|nvtx_pushpop_sum|"
    "nvtx_pushpop_trace|nvtx_startend_sum|nvtx_sum|nvvideo_api_sum|openacc_sum|opengl_khr_gpu_range_sum|"
    "opengl_khr_range_sum|openmp_sum|osrt_sum|syscall_sum|um_cpu_page_faults_sum|um_sum|um_total_sum|vulkan_api_sum|"
    "vulkan_api_trace|vulkan_gpu_marker_sum|vulkan_marker_sum|wddm_queue_sum"
)
_FORMER_NAMES = (
    "apigpusum|cudaapisum|cudaapitrace|dx11pixsum|dx12gpumarkersum|dx12pixsum|gpukerngbsum|gpukernsum|gpumemsizesum|"
    "gpumemtimesum|gpusum|gputrace|kernexecsum|kernexectrace|khrdebuggpusum|khrdebugsum|nvtxgpuproj|nvtxkernsum|"
    "nvtxppsum|nvtxpptrace|nvtxsesum|nvtxsssum|nvtxsum|openaccsum|openmpevtsum|osrtsum|umcpupagefaults|unifiedmemory|"
    "unifiedmemorytotals|vulkanapisum|vulkanapitrace|vulkangpumarkersum|vulkanmarkerssum|wddmqueuesdetails"
)
# Options are part of a file's name, as in cuda_gpu_kern_sum_nvtx-name_base.csv or um_sum_rows=5.csv.
_FILE_NAME = re.compile(
    rf"(?:(?P<prefix>.*?)_)?(?P<report>{'|'.join(_REPORTS)}|{_OTHER_REPORTS}|{_FORMER_NAMES})"
    r"(?P<options>(?:[_:](?:base|mangled|nvtx-name|\w+=\w+))*)\.csv",
    re.DOTALL,
)
_TITLE = re.compile(r"(?P<title>.*?)\s*(?:\((?P<unit>[^()]*)\))?")
_UNIT_NS = {"ns": 1, "nsec": 1, "us": 10**3, "µs": 10**3, "usec": 10**3, "ms": 10**6, "msec": 10**6}
_UNIT_NS |= {"s": 10**9, "sec": 10**9}
_NUMBER = re.compile(r"(?P<whole>[0-9]{1,19})(?:\.(?P<decimals>[0-9]{1,9}))?")


def _memory_kinds() -> dict[str, str]:
    """Our name of each kind of copy, and of memsets, by what nsys has called it."""
    places = {"h": "Host", "d": "Device", "a": "Array", "p": "Peer"}
    kinds = {"[CUDA memset]": "memset"}
    for kind in COPY_KINDS.values():
        source, _, target = kind.removeprefix("uvm_").partition("2")
        if not target:
            kinds[f"[CUDA memcpy {kind.capitalize()}]"] = f"memcpy_{kind}"
            continue
        # 2023.2 still has the second.
        for way in (f"{places[source]}-to-{places[target]}", f"{source.upper()}to{target.upper()}"):
            if kind.startswith("uvm_"):
                kinds[f"[CUDA memcpy Unified {way}]"] = kinds[f"[CUDA Unified Memory memcpy {way}]"] = f"memcpy_{kind}"
            else:
                kinds[f"[CUDA memcpy {way}]"] = f"memcpy_{kind}"
    return kinds


_MEMORY_KINDS = _memory_kinds()


def is_stats_folder(folder: Path) -> bool:
    """Whether a folder holds CSV files, and neither captures nor a manifest."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    is_other = any(name.endswith(_CAPTURE_SUFFIXES) or name == MANIFEST_NAME for name in names)
    return not is_other and any(_is_csv(name) for name in names)


def read_stats_folder(folder: Path) -> StatsTables:
    """Reads the reports cuda_gpu_kern_sum, cuda_gpu_mem_time_sum, cuda_api_sum and cuda_gpu_sum of a folder.

    Files are named `<report>.csv` or `<prefix>_<report>.csv`. cuda_gpu_sum holds what the first two do, and stands
    in for one that is missing or empty. Rows of one name are added up. A file without rows, or one that says that
    nsys skipped the report, tells that none were recorded: nsys skips a report if its export has no table to read,
    and makes tables only for what was recorded.

    Raises:
        UserError: a file cannot be read or holds what cannot be; a CSV file is of no report of nsys; there are
            several prefixes, so several captures; or no file is of these four reports, or none of them has rows.
    """
    files, name, passed_over = _sorted_out(folder)
    rows = {report: _read(path, report) for report, path in files.items()}
    summed = rows.get("cuda_gpu_sum")
    kernels = _first_with_rows(rows.get("cuda_gpu_kern_sum"), _of_kind(summed, "kernels"))
    memory = _first_with_rows(rows.get("cuda_gpu_mem_time_sum"), _of_kind(summed, "memory"))
    calls = rows.get("cuda_api_sum")
    used = [*(kernels or ()), *(memory or ()), *(calls or ())]
    if not used:
        raise UserError(f"{folder}: no report has a row; trace with `nsys profile --trace cuda`, then print it again")
    return StatsTables(
        name=name,
        kernels=_totals(kernels),
        memory=_totals(memory),
        calls=_totals(calls),
        passed_over=passed_over,
        rounded_to_ns=max(row.rounded_to_ns for row in used),
    )


def _is_csv(name: str) -> bool:
    return name.endswith(".csv") and not name.startswith(".")


def _sorted_out(folder: Path) -> tuple[dict[str, Path], str, tuple[str, ...]]:
    """The file of each report that is read here, what the capture is called, and the names of other reports' files."""
    try:
        names = sorted(path.name for path in folder.iterdir() if _is_csv(path.name))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror or error}); name another folder") from error
    files: dict[str, Path] = {}
    prefixes: set[str] = set()
    passed_over = []
    for name in names:
        match = _FILE_NAME.fullmatch(name)
        if not match:
            raise UserError(f"{folder / name} is named after no report of nsys stats; rename it, or move it elsewhere")
        prefixes.add(match["prefix"] or "")
        if match["report"] in _REPORTS and not match["options"]:
            files[match["report"]] = folder / name
        else:
            passed_over.append(name)
    if len(prefixes) > 1:
        several = ", ".join(f"`{prefix}_`" if prefix else "none" for prefix in sorted(prefixes))
        raise UserError(f"{folder} holds several captures, by their files' prefixes ({several}); give each its folder")
    if not files:
        raise UserError(
            f"{folder} holds none of the reports that are compared; print one there with `nsys stats --format csv "
            f"--report {','.join(_REPORTS)}`"
        )
    return files, prefixes.pop() or folder.resolve().name, tuple(passed_over)


def _read(path: Path, report: str) -> list[_Row]:
    """The rows of one report; none where nsys skipped it."""
    lines = list(io.StringIO(_text(path), newline=""))
    before = next((i for i, line in enumerate(lines[:_MOST_LINES_BEFORE_HEADER]) if _is_header(line)), None)
    if before is None:
        skipped = any("SKIPPED:" in line for line in lines[:_MOST_LINES_BEFORE_HEADER])
        if skipped or not any(line.strip() for line in lines):
            return []
        raise UserError(f"{path} holds no table of {report}; print it again with `nsys stats --format csv`")
    to_row = _row_parser(path, report, lines[before])
    rows = []
    reader = csv.reader(lines[before + 1 :], strict=True)
    lines_read = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(to_row(cells))
            lines_read = reader.line_num
    except (csv.Error, _ImplausibleError) as error:
        problem = f"{path}, line {before + lines_read + 2}: {error}"
        raise UserError(f"{problem}; print the report again with `nsys stats --format csv`") from error
    if sum(row.total_ns for row in rows) >= MOST_NS or sum(row.count for row in rows) >= MOST_NS:
        raise UserError(f"{path} holds totals of 2^62 or more; print the report again with `nsys stats --format csv`")
    return rows


class _ImplausibleError(ValueError):
    """Why a row is none that nsys prints."""


def _text(path: Path) -> str:
    try:
        content = read_ordinary_file(path, _MOST_BYTES)
        # What a shell writes that thinks in UTF-16 begins with its mark.
        return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); name another folder") from error
    except UnsuitableFileError as error:
        raise UserError(f"{path} cannot be read (it is {error}); print it again with `nsys stats`") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8; print it again with `nsys stats --format csv`") from error


def _titles(line: str) -> list[tuple[str, str]]:
    """What the cells of a header say: title and unit, `("Total Time", "ns")`; the unit is empty where there is none."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        return []
    matches = [_TITLE.fullmatch(cell.strip()) for cell in cells]
    return [(match["title"], match["unit"] or "") if match else ("", "") for match in matches]


def _is_header(line: str) -> bool:
    titles = [title for title, _ in _titles(line)]
    return len(titles) > 2 and any(title in titles for title in ("Name", "Operation", "Range", "Time", "Total Time"))


def _row_parser(path: Path, report: str, header: str) -> Callable[[list[str]], _Row]:
    """What reads the rows under a header, and raises `_ImplausibleError`.

    Raises:
        UserError: the header is not this report's.
    """
    columns = _titles(header)
    titles = [title for title, _ in columns]
    shape = _REPORTS[report]
    count_title = next((title for title in shape.counts if title in titles), "")
    needed = [shape.name, count_title, "Total Time", *(["Category"] if shape.kind is None else [])]
    if any(titles.count(title) != 1 for title in needed) or _OF_OTHER_REPORTS.difference(needed) & set(titles):
        raise UserError(f"{path} has the header of another report than {report}; name it after the report it holds")
    name, count, total = (titles.index(title) for title in needed[:3])
    unit = columns[total][1]
    if unit and unit not in _UNIT_NS:
        raise UserError(f"{path} gives times in `{unit}`; print it again with `nsys stats --format csv --timeunit ns`")
    unit_ns = _UNIT_NS.get(unit, 1)

    def to_row(cells: list[str]) -> _Row:
        if len(cells) != len(titles):
            raise _ImplausibleError(f"the header has {len(titles)} columns, this row {len(cells)}")
        kind = shape.kind or _kind(cells[titles.index("Category")])
        total_ns, rounded_to_ns = _duration(cells[total], unit_ns)
        row = _Row(kind, _name(cells[name], kind), _count(cells[count]), total_ns, rounded_to_ns)
        # A call can be shorter than a coarse clock tells, and anything than what it is rounded to.
        if not total_ns and rounded_to_ns == 1 and kind != "calls":
            raise _ImplausibleError("operations that took no time")
        return row

    return to_row


def _kind(category: str) -> Kind:
    if category.strip() not in _CATEGORIES:
        raise _ImplausibleError(f"the category `{category[:40]}` is neither {' nor '.join(_CATEGORIES)}")
    return _CATEGORIES[category.strip()]


def _name(text: str, kind: Kind) -> str:
    name = text.strip()
    if not name:
        raise _ImplausibleError("no name")
    return _MEMORY_KINDS.get(name, name) if kind == "memory" else name


def _count(text: str) -> int:
    match = _NUMBER.fullmatch(text.strip())
    if not match or match["decimals"] is not None or not int(match["whole"]):
        raise _ImplausibleError(f"`{text[:40]}` is no count")
    return int(match["whole"])


def _duration(text: str, unit_ns: int) -> tuple[int, int]:
    """A time in ns, and what it is rounded to."""
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise _ImplausibleError(f"`{text[:40]}` is no time")
    decimals = match["decimals"] or ""
    time_ns, rest = divmod(int(match["whole"] + decimals) * unit_ns, 10 ** len(decimals))
    if rest:
        raise _ImplausibleError(f"`{text[:40]}` is no whole number of nanoseconds")
    return time_ns, max(1, unit_ns // 10 ** len(decimals))


def _of_kind(rows: Iterable[_Row] | None, kind: Kind) -> list[_Row] | None:
    return None if rows is None else [row for row in rows if row.kind == kind]


def _first_with_rows(own: list[_Row] | None, summed: list[_Row] | None) -> list[_Row] | None:
    return own if own or summed is None else summed


def _totals(rows: Iterable[_Row] | None) -> tuple[NamedTotal, ...] | None:
    """One total a name, the longest first."""
    if rows is None:
        return None
    totals: dict[str, NamedTotal] = {}
    for row in rows:
        so_far = totals.get(row.name, NamedTotal(row.name, 0, 0))
        totals[row.name] = NamedTotal(row.name, so_far.count + row.count, so_far.total_ns + row.total_ns)
    return tuple(sorted(totals.values(), key=lambda total: (-total.total_ns, total.name)))
