"""A benchmark's document as a table."""

from collections.abc import Iterator
from typing import Any

from engine.bench_tests import BenchTest, left_out_remark
from engine.terminal import harmless, table

_HEADINGS = (
    "model", "format", "backend", "test", "graphs", "median", "spread", "tok/s", "GB/s", "of copy", "weights", "peak",
)  # fmt: skip
_TEXTS = 5


def bench_table(document: dict[str, Any]) -> str:
    """The table, and what must be known to read it."""
    rows = [_row(entry, test) for entry in document["models"] for test in entry["tests"]]
    if not rows:
        return ""
    return table(_HEADINGS, rows, _TEXTS) + "\n" + "".join(f"{line}\n" for line in _remarks(document))


def _row(entry: dict[str, Any], test: dict[str, Any]) -> list[str]:
    graphs = {True: "on", False: "off", None: "-"}[test["graphs"]]
    speed, share = test["weight_bytes_per_s"], test["copy_share"]
    return [
        harmless(entry["model"]["name"]),
        entry["weights"]["format"],
        entry["backend"],
        _name(test),
        graphs,
        f"{test['median_ns'] / 1e6:.2f} ms",
        f"± {test['spread_ns'] / test['median_ns']:.1%}" if len(test["samples_ns"]) > 1 else "-",
        f"{test['tokens_per_s']:,.0f}" if test["tokens_per_s"] >= 100 else f"{test['tokens_per_s']:.1f}",
        "-" if speed is None else f"{speed / 1e9:,.1f}",
        "-" if share is None else f"{share:.0%}",
        _size(entry["memory"]["weights_bytes"]),
        _size(entry["memory"]["peak_bytes"]),
    ]


def _name(test: dict[str, Any]) -> str:
    return BenchTest(test["phase"], test["tokens"], test["depth"]).name


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.2f} GiB" if size_bytes >= 2**28 else f"{size_bytes / 2**20:.1f} MiB"


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    processes = document["processes"]
    repetitions = f"{document['repetitions']} repetition{'s' * (document['repetitions'] > 1)}"
    repetitions += f" in each of {processes} processes" * (processes > 1)
    yield f"spread: half the distance between the quartiles of {repetitions}; a first one is left out"
    yield (
        "GB/s: weights that a step reads, as packed and without the cache, over its time; "
        "peak: the most memory that was taken at any time"
    )
    for entry in document["models"]:
        yield from _remarks_on(entry)


def _remarks_on(entry: dict[str, Any]) -> Iterator[str]:
    name, device = harmless(entry["model"]["name"]), entry["device"]
    if entry["weights"]["synthetic"]:
        yield f"{name}: weights are {entry['weights']['source']}"
    if device["copy_bytes_per_s"]:
        yield f"{name}: {device['name']} copies {device['copy_bytes_per_s'] / 1e9:,.0f} GB/s, read plus written"
    if entry["backend"] == "numpy":
        yield f"{name}: times of the CPU, by the NumPy reference"
    for test in entry["tests"]:
        speedup = test["graphs_speedup"]
        if speedup:
            times = f"{speedup['median']:.3f} ± {speedup['spread']:.3f} times"
            yield f"{name}: decode with graphs is {times} as fast ({_name(test)})"
    if entry["left_out"]:
        yield f"{name}: {left_out_remark([BenchTest(**test) for test in entry['left_out']])}"
    state = _state(entry["conditions"])
    if state:
        yield f"{name}: while decoding, {state}"
    if not entry["results_agree"]:
        yield f"{name}: processes computed different tokens or logits from the same seed"


def _state(conditions: dict[str, Any]) -> str:
    """The device's state under load, as far as it is known."""
    clock, most = conditions["sm_clock_mhz"], conditions["max_sm_clock_mhz"]
    power, limit = conditions["power_w"], conditions["power_limit_w"]
    reasons, others = conditions["throttle_reasons"], conditions["other_processes"]
    said = [
        clock and f"{clock:,}{f' of {most:,}' if most else ''} MHz",
        power and f"{power:,.0f}{f' of {limit:,.0f}' if limit else ''} W",
        conditions["performance_state"],
        reasons and f"clocks held down by {', '.join(reasons)}",
        others and f"{others} other process{'es' * (others > 1)} on the GPU",
    ]
    return ", ".join(part for part in said if part)
