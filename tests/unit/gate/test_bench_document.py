"""What the engine's benchmarks say, of this commit and of earlier ones."""

from copy import deepcopy
from typing import Any

import pytest

from workbench.decoding import MismatchError
from workbench.gate.bench_document import (
    BenchEntry,
    copy_speed,
    largest_memory,
    left_out,
    numbers,
    read_entry,
    results,
    worst_conditions,
)
from workbench.gate.measured import Conditions, Memory, Results

# As engines wrote it before they told results and conditions.
OLD: dict[str, Any] = {
    "device": {"name": "NVIDIA H200", "copy_bytes_per_s": 4e12},
    "tests": [
        {"phase": "prefill", "tokens": 512, "graphs": None, "samples_ns": [9, 8]},
        {"phase": "decode", "tokens": 128, "graphs": True, "samples_ns": [5, 6]},
        {"phase": "decode", "tokens": 128, "graphs": False, "samples_ns": [10, 11]},
    ],
    "memory": {"weights_bytes": 4, "cache_bytes": 3, "workspaces_bytes": 2, "peak_bytes": 9},
    "step_weight_bytes": 4,
    "whatever": "else",
}


def entry(**changed: Any) -> BenchEntry:
    return read_entry({"schema": "engine.bench/1", "models": [{**deepcopy(OLD), **changed}]})


def test_times_of_each_process_are_a_row() -> None:
    found = numbers([entry(), entry()])
    assert [(one.name, one.graphs) for one in found] == [
        ("prefill.512", None),
        ("decode.128", True),
        ("decode.128.graphs_off", False),
    ]
    assert found[0].samples_ns == ((9, 8), (9, 8))


def test_decode_without_graphs_is_decode_where_there_is_no_other() -> None:
    (found,) = numbers([entry(tests=[OLD["tests"][2]])])
    assert (found.name, found.graphs) == ("decode.128", False)


def test_decode_at_depth_has_a_name_of_its_own() -> None:
    deep = [{**test, "depth": 4096, "tokens": 256} for test in OLD["tests"][1:]]
    names = [one.name for one in numbers([entry(tests=deep)])]
    assert names == ["decode.256@4096", "decode.256@4096.graphs_off"]


def test_processes_that_ran_different_benches_are_no_samples_of_one() -> None:
    with pytest.raises(MismatchError, match="different benches"):
        numbers([entry(), entry(tests=OLD["tests"][:2])])


def test_memory_is_each_uses_most() -> None:
    more = {**OLD["memory"], "cache_bytes": 7, "peak_bytes": 1}
    assert largest_memory([entry(), entry(memory=more)]) == Memory(4, 7, 2, 9)
    assert largest_memory([entry(memory=None)]) is None


def test_copy_speed_is_the_median_of_those_told() -> None:
    devices = [{"name": "g", "copy_bytes_per_s": speed} for speed in (1.0, 3.0, 9.0, None)]
    assert copy_speed([entry(device=device) for device in devices]) == 3.0
    assert copy_speed([entry(device={"name": "g"})]) is None


def test_results_are_those_of_all_processes() -> None:
    told = {"tokens_sha256": "a" * 64, "tokens": [1, 2], "logits": {"sha256": "b" * 64, "sample": [0.5, 1.0]}}
    others = {**told, "tokens_sha256": "c" * 64}
    assert results([entry(results=told), entry(results=told)]) == (
        Results("a" * 64, (1, 2), "b" * 64, (0.5, 1.0)),
        True,
    )
    assert results([entry(results=told), entry(results=others)])[1] is False
    assert results([entry()]) == (Results(None), True)
    # A logit that is no number leaves a gap, and what follows would stand in other places.
    gap = {**told, "logits": {"sha256": "b" * 64, "sample": [None, 1.0]}}
    assert results([entry(results=gap)])[0].logits == ()


def test_conditions_are_the_worst() -> None:
    good = {
        "sm_clock_mhz": 1980, "max_sm_clock_mhz": 1980, "power_w": 400.0, "power_limit_w": 700.0,
        "performance_state": "P0", "throttle_reasons": [], "other_processes": 0,
    }  # fmt: skip
    bad = {
        "sm_clock_mhz": 1200, "max_sm_clock_mhz": 1980, "power_w": 300.0, "power_limit_w": 500.0,
        "performance_state": "P12", "throttle_reasons": ["thermal"], "other_processes": 2,
    }  # fmt: skip
    untold = dict.fromkeys(good)
    found = worst_conditions([entry(conditions=one) for one in (good, bad, untold)])
    assert found == Conditions(1200, 1980, 400.0, 500.0, "P12", ("thermal",), 2)
    assert worst_conditions([entry()]) == Conditions()


def test_what_does_not_fit_the_model_is_named() -> None:
    assert left_out([entry(left_out=[{"phase": "decode", "tokens": 256, "depth": 8192}])]) == ("decode.256@8192",)
    assert left_out([entry()]) == ()


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"schema": "engine.bench/2", "models": [OLD]},
        {"schema": "engine.bench/1", "models": []},
        {"schema": "engine.bench/1", "models": [OLD, OLD]},
        {"schema": "engine.bench/1", "models": [{**OLD, "tests": []}]},
        {"schema": "engine.bench/1", "models": [{**OLD, "tests": [{**OLD["tests"][0], "samples_ns": [0]}]}]},
        {"schema": "engine.bench/1", "models": [{**OLD, "tests": [{**OLD["tests"][0], "samples_ns": ["1"]}]}]},
    ],
)
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(MismatchError):
        read_entry(document)
