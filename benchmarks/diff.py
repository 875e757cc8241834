"""Times comparing two large captures against attributing them.

Both figures come from processes of their own, in turn, several times: from two files to the leaves of both, and from
the same two files to a comparison. Nothing is cached.

    python -m benchmarks.diff --kernels 1000000 --repeats 5
"""

import argparse
import json
import os
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


def attribute_both(before: Path, after: Path) -> float:
    """From both files to leaves, one after the other."""
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.trace.open import open_trace

    begin = time.perf_counter()
    for export in (before, after):
        attribute(open_trace(export, None), load_rules())
    return time.perf_counter() - begin


def compare_both(before: Path, after: Path) -> float:
    """From both files to a comparison."""
    from workbench.cli.comparisons import compare_sets

    begin = time.perf_counter()
    comparison = compare_sets(before, after, (), "decode")
    taken = time.perf_counter() - begin
    if comparison.phase is None or comparison.phase.step is None or comparison.is_without_difference:
        raise SystemExit("the synthetic captures must have steps, and differ")
    return taken


WORK: dict[str, Callable[[Path, Path], float]] = {"attribute": attribute_both, "compare": compare_both}


def _in_own_process(work: str, before: Path, after: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.diff", "--work", work, str(before), str(after)]
    environment = {**os.environ, "WB_CACHE_BYTES": "0"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return dict(json.loads(done.stdout))


def _do(work: str, before: str, after: str) -> None:
    seconds = WORK[work](Path(before), Path(after))
    print(json.dumps({"seconds": seconds, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def _slowed(export: Path) -> None:
    """Makes every tenth kernel a little longer."""
    with sqlite3.connect(export) as connection:
        connection.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = end + 10 WHERE rowid % 10 = 0")
    connection.close()


def _measure(kernels: int, repeats: int, kind: str, folder: Path) -> str:
    before, after = folder / "before.sqlite", folder / "after.sqlite"
    for export in (before, after):
        export.unlink(missing_ok=True)
        build(export, kernels, kind)
    _slowed(after)
    runs = [{work: _in_own_process(work, before, after) for work in WORK} for _ in range(repeats)]

    def spread(values: list[float]) -> str:
        return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"

    cells = [
        f"2 x {kernels:,}",
        kind,
        spread([run["attribute"]["seconds"] for run in runs]),
        spread([run["compare"]["seconds"] for run in runs]),
        spread([run["compare"]["seconds"] / run["attribute"]["seconds"] for run in runs]),
        f"{max(run['compare']['peak_bytes'] for run in runs) / 1e6:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Prints the table, a row a pair of captures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=int, nargs="+", default=[1_000_000], help="sizes of captures")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="how they were launched")
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        _do(*arguments.work)
        return
    print("Seconds: median (least-most).\n")
    print("| Kernels | Launched | Attribute both | Compare both | Compare / attribute | Peak MB |")
    print("|---:|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="wb-benchmark-") as folder:
        for kernels in arguments.kernels:
            for kind in arguments.kinds:
                print(_measure(kernels, arguments.repeats, kind, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
