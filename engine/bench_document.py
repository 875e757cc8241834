"""What a benchmark says, as one JSON object; its schema is called `engine.bench/1`."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from engine.device import DeviceDescription
from engine.measurement import Samples
from engine.memory import MemoryUse
from engine.parameters import step_weight_bytes
from engine.run_document import model_facts, surroundings, weight_facts
from engine.session import Engine
from engine.statistics import spread_of

SCHEMA = "engine.bench/1"


def model_entry(
    engine: Engine, tests: Iterable[Samples], memory: MemoryUse, device: DeviceDescription | None
) -> dict[str, Any]:
    """One model's part of the document."""
    around = surroundings(device, ())
    entry = {
        "model": model_facts(engine),
        "weights": weight_facts(engine),
        "backend": engine.backend,
        "chunk": engine.runner.options.limits.chunk,
        "context": engine.runner.options.limits.context,
        "cache_format": engine.runner.options.cache_format.name,
        "variants": sorted(engine.options.variants),
        "step_weight_bytes": step_weight_bytes(engine.runner.model),
        "memory": asdict(memory),
        **{key: around[key] for key in ("device", "versions", "clocks", "products")},
        "tests": [
            {"phase": test.phase, "tokens": test.tokens, "graphs": test.graphs, "samples_ns": list(test.times_ns)}
            for test in tests
        ],
    }
    return with_statistics(entry)


def with_statistics(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with what follows from its samples."""
    tests = [_with_statistics(entry, test) for test in entry["tests"]]
    return entry | {"tests": tests, "graphs_speedup": _graphs_speedup(tests)}


def pooled(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One entry of several of the same model, each from a process of its own; memory is the largest of theirs."""
    first = entries[0]
    tests = [
        test | {"samples_ns": [time for entry in entries for time in entry["tests"][place]["samples_ns"]]}
        for place, test in enumerate(first["tests"])
    ]
    memory = {key: max(entry["memory"][key] for entry in entries) for key in first["memory"]}
    speeds = [speed for entry in entries if (speed := entry["device"]["copy_bytes_per_s"])]
    device = first["device"] | {"copy_bytes_per_s": spread_of(speeds).median if speeds else None}
    return with_statistics(first | {"tests": tests, "memory": memory, "device": device})


def bench_document(
    entries: Sequence[dict[str, Any]],
    failures: Sequence[dict[str, str]],
    *,
    repetitions: int,
    processes: int,
    flags: Sequence[str],
) -> dict[str, Any]:
    """The whole document."""
    around = surroundings(None, flags)
    return {
        "schema": SCHEMA,
        "repetitions": repetitions,
        "processes": processes,
        "models": list(entries),
        "failures": list(failures),
        "commit": around["commit"],
        "flags": around["flags"],
    }


def _with_statistics(entry: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
    time = spread_of(test["samples_ns"])
    copy_bytes_per_s = entry["device"]["copy_bytes_per_s"]
    # A prefill is bound by its operations; bytes over time would say nothing of it.
    read_bytes = entry["step_weight_bytes"] * test["tokens"] if test["phase"] == "decode" else None
    bytes_per_s = read_bytes / time.median * 1e9 if read_bytes else None
    return test | {
        "median_ns": time.median,
        "spread_ns": time.spread,
        "tokens_per_s": test["tokens"] / time.median * 1e9,
        "weight_bytes_per_s": bytes_per_s,
        "copy_share": bytes_per_s / copy_bytes_per_s if bytes_per_s and copy_bytes_per_s else None,
    }


def _graphs_speedup(tests: Iterable[dict[str, Any]]) -> dict[str, float] | None:
    """How many times as fast decode is with graphs as without, pair by pair of repetitions."""
    times = {test["graphs"]: test["samples_ns"] for test in tests if test["phase"] == "decode"}
    if not {True, False} <= times.keys():
        return None
    return spread_of([off / on for on, off in zip(times[True], times[False], strict=True)]).as_dict()
