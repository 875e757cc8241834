"""What a benchmark says, as one JSON object; its schema is called `engine.bench/1`."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.bench_tests import BenchTest, Samples
from engine.device import Conditions, DeviceDescription
from engine.measurement import Answer
from engine.memory import MemoryUse
from engine.parameters import step_weight_bytes
from engine.run_document import model_facts, result_facts, surroundings, weight_facts
from engine.session import Engine
from engine.statistics import spread_of

SCHEMA = "engine.bench/1"


@dataclass(frozen=True)
class BenchRun:
    """All that was measured of a model in one process.

    Attributes:
        engine: what ran.
        samples: times of each test.
        left_out: tests that were asked for, too.
        answer: what the model computed behind a prompt that is the same for all tests.
        memory: what was taken.
        device: the backend's device, if it has one of its own.
        conditions: the device's state under load.
    """

    engine: Engine
    samples: tuple[Samples, ...]
    left_out: tuple[BenchTest, ...]
    answer: Answer
    memory: MemoryUse
    device: DeviceDescription | None
    conditions: Conditions


def model_entry(run: BenchRun) -> dict[str, Any]:
    """One model's part of the document."""
    engine, conditions = run.engine, asdict(run.conditions)
    around = surroundings(run.device, ())
    entry = {
        "model": model_facts(engine),
        "weights": weight_facts(engine),
        "backend": engine.backend,
        "chunk": engine.runner.options.limits.chunk,
        "context": engine.runner.options.limits.context,
        "cache_format": engine.runner.options.cache_format.name,
        "variants": sorted(engine.options.variants),
        "step_weight_bytes": step_weight_bytes(engine.runner.model),
        "memory": asdict(run.memory),
        **{key: around[key] for key in ("device", "versions", "clocks", "products")},
        "conditions": conditions,
        "conditions_by_process": [conditions],
        "results": result_facts(run.answer.tokens, run.answer.logits),
        "results_agree": True,
        "left_out": [asdict(test) for test in run.left_out],
        "tests": [_times(samples) for samples in run.samples],
    }
    return with_statistics(entry)


def with_statistics(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with what follows from its samples."""
    tests = [_with_statistics(entry, test) for test in entry["tests"]]
    tests = [test | {"graphs_speedup": _graphs_speedup(test, tests)} for test in tests]
    speedups = [test["graphs_speedup"] for test in tests if test["graphs_speedup"]]
    return entry | {"tests": tests, "graphs_speedup": speedups[0] if speedups else None}


def pooled(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One entry of several of the same model, each from a process of its own.

    Memory is the largest of theirs, the conditions those of the process with the lowest clock.
    """
    first = entries[0]
    tests = [
        test | _together([entry["tests"][place] for entry in entries]) for place, test in enumerate(first["tests"])
    ]
    conditions = [entry["conditions"] for entry in entries]
    memory = {key: max(entry["memory"][key] for entry in entries) for key in first["memory"]}
    speeds = [speed for entry in entries if (speed := entry["device"]["copy_bytes_per_s"])]
    device = first["device"] | {"copy_bytes_per_s": spread_of(speeds).median if speeds else None}
    whole = {
        "tests": tests,
        "memory": memory,
        "device": device,
        "conditions": min(conditions, key=lambda each: each["sm_clock_mhz"] or math.inf),
        "conditions_by_process": conditions,
        "results_agree": all(entry["results"] == first["results"] for entry in entries),
    }
    return with_statistics(first | whole)


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


def _times(samples: Samples) -> dict[str, Any]:
    times_ns = list(samples.times_ns)
    return {**asdict(samples.test), "graphs": samples.graphs, "samples_ns": times_ns, "samples_by_process": [times_ns]}


def _together(tests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The times of one test in several processes."""
    by_process = [test["samples_ns"] for test in tests]
    return {"samples_ns": [time for times in by_process for time in times], "samples_by_process": by_process}


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


def _graphs_speedup(test: dict[str, Any], tests: Iterable[dict[str, Any]]) -> dict[str, float] | None:
    """How many times as fast a decode with graphs is as the same without, pair by pair of repetitions."""
    without = [
        other["samples_ns"] for other in tests if other["graphs"] is False and _same_work(test) == _same_work(other)
    ]
    if not test["graphs"] or not without:
        return None
    return spread_of([off / on for on, off in zip(test["samples_ns"], without[0], strict=True)]).as_dict()


def _same_work(test: dict[str, Any]) -> tuple[Any, ...]:
    return test["phase"], test["tokens"], test["depth"]
