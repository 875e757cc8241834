"""Times reading and attributing large captures against SQLite's own full scan of the same tables.

Every figure comes from a process of its own that does nothing else, several times in turn, so that the ratios are
of one run: the scan, from file to leaves, and from file to leaves with the columnar cache warm.

    python -m benchmarks.attribution --kernels 1000000 --repeats 5
"""

import argparse
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.synthetic_exports import KINDS, build

TABLES = ("CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS", "CUDA_GRAPH_NODE_EVENTS")


def scan(export: Path, _cache: Path) -> dict[str, float]:
    """SQLite visits every row of the tables once, through Python's own sqlite3."""
    begin = time.perf_counter()
    connection = sqlite3.connect(export)
    for table in TABLES:
        connection.execute(f'SELECT count(*), sum("end" - start) FROM {table}').fetchone()
    return {"total": time.perf_counter() - begin}


def attribute_uncached(export: Path, _cache: Path) -> dict[str, float]:
    """From the file to leaves, nothing cached."""
    return _attribute(export, None)


def attribute_cached(export: Path, cache: Path) -> dict[str, float]:
    """From the cache to leaves; the first run fills it."""
    return _attribute(export, cache)


def _attribute(export: Path, cache_folder: Path | None) -> dict[str, float]:
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.trace.cache import TraceCache
    from workbench.trace.model import NONE
    from workbench.trace.open import open_trace

    begin = time.perf_counter()
    trace = open_trace(export, TraceCache(cache_folder) if cache_folder else None)
    opened = time.perf_counter()
    attribution = attribute(trace, load_rules())
    done = time.perf_counter()
    if (attribution.leaf[: len(trace.kernels)] == NONE).any() or not len(attribution.placement.steps):
        raise SystemExit("the synthetic capture must be attributed whole, and divided into steps")
    return {"total": done - begin, "open": opened - begin, "attribute": done - opened}


WORK: dict[str, Callable[[Path, Path], dict[str, float]]] = {
    "scan": scan,
    "uncached": attribute_uncached,
    "cached": attribute_cached,
}


def _in_own_process(work: str, export: Path, cache: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.attribution", "--work", work, str(export), str(cache)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _do(work: str, export: str, cache: str) -> None:
    figures = WORK[work](Path(export), Path(cache))
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**figures, "peak_bytes": peak_bytes}))


def _measure(kernels: int, repeats: int, kind: str, folder: Path) -> str:
    export, cache = folder / "export.sqlite", folder / "cache"
    export.unlink(missing_ok=True)
    build(export, kernels, kind)
    _in_own_process("cached", export, cache)
    runs = [{work: _in_own_process(work, export, cache) for work in WORK} for _ in range(repeats)]

    def spread(work: str, figure: str) -> str:
        values = [run[work][figure] for run in runs]
        return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"

    def against_scan(work: str) -> str:
        return f"{statistics.median(run[work]['total'] / run['scan']['total'] for run in runs):.1f}"

    peak_mb = max(run["uncached"]["peak_bytes"] for run in runs) / 1e6
    cells = [
        f"{kernels:,}",
        kind,
        f"{export.stat().st_size / 1e6:,.0f}",
        spread("scan", "total"),
        spread("uncached", "open"),
        spread("uncached", "attribute"),
        against_scan("uncached"),
        f"{peak_mb:,.0f}",
        spread("cached", "total"),
        against_scan("cached"),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Prints the table, a row a capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=int, nargs="+", default=[1_000_000], help="sizes of captures")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="how they were launched")
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        _do(*arguments.work)
        return
    print("Seconds: median (least-most). Scan: every row of the tables read, visited once by SQLite itself.\n")
    print("| Kernels | Launched | File MB | Scan | Read | Attribute | Both / scan | Peak MB | Reopened | / scan |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="wb-benchmark-") as folder:
        for kernels in arguments.kernels:
            for kind in arguments.kinds:
                print(_measure(kernels, arguments.repeats, kind, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
