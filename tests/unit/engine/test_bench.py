import json
from typing import Any

import pytest

from engine.bench import BenchPlan, bench_model
from engine.bench_document import bench_document, pooled, with_statistics
from engine.bench_table import bench_table
from engine.session import EngineOptions
from tests.unit.engine.engines import choice

PLAN = BenchPlan(repetitions=3, graphs=(True, False), prefill_tokens=(8, 300), decode_tokens=5)


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    told: list[tuple[str, int, int]] = []
    made = bench_model(choice(), EngineOptions(backend="numpy"), PLAN, lambda *stage: told.append(stage))
    assert [stage for stage in told if stage[0] == "tg5"] == [("tg5", done, 3) for done in range(4)]
    return json.loads(json.dumps(made, allow_nan=False))


def on_gpu(on_ns: list[int], off_ns: list[int]) -> dict[str, Any]:
    return with_statistics(
        {
            "model": {"name": "big"},
            "weights": {"format": "q8_0", "synthetic": True, "source": "synthetic, seed 42"},
            "backend": "cuda",
            "step_weight_bytes": 3 * 10**9,
            "memory": {"weights_bytes": 3 * 2**30, "peak_bytes": 4 * 2**30},
            "device": {"name": "NVIDIA H200", "copy_bytes_per_s": 4e12},
            "tests": [
                {"phase": "prefill", "tokens": 512, "graphs": None, "samples_ns": [10**7] * len(on_ns)},
                {"phase": "decode", "tokens": 128, "graphs": True, "samples_ns": on_ns},
                {"phase": "decode", "tokens": 128, "graphs": False, "samples_ns": off_ns},
            ],
        }
    )


def test_each_test_is_timed_so_often_without_its_first_run(entry: dict[str, Any]) -> None:
    tests = [(test["phase"], test["tokens"], test["graphs"]) for test in entry["tests"]]
    # There are no graphs on a CPU.
    assert tests == [("prefill", 8, None), ("prefill", 300, None), ("decode", 5, False)]
    assert all(len(test["samples_ns"]) == 3 and min(test["samples_ns"]) > 0 for test in entry["tests"])
    assert entry["graphs_speedup"] is None
    assert entry["context"] == 512


def test_an_entry_says_what_ran_and_where(entry: dict[str, Any]) -> None:
    assert entry["model"]["name"] == "tiny-qwen3"
    assert entry["weights"]["source"] == "synthetic, seed 42"
    assert entry["device"]["copy_bytes_per_s"] is None
    assert entry["step_weight_bytes"] == entry["weights"]["bytes"] - 512 * 128 * 4
    assert entry["memory"]["peak_bytes"] > 0


def test_speeds_follow_from_the_median() -> None:
    prefill, on, off = on_gpu([128 * 10**6, 128 * 10**6, 256 * 10**6], [256 * 10**6] * 3)["tests"]
    assert prefill["tokens_per_s"] == pytest.approx(51_200)
    assert prefill["weight_bytes_per_s"] is None
    assert on["tokens_per_s"] == pytest.approx(1000)
    assert on["weight_bytes_per_s"] == pytest.approx(3e12)
    assert on["copy_share"] == pytest.approx(0.75)
    assert on["spread_ns"] == pytest.approx(32 * 10**6)
    assert off["copy_share"] == pytest.approx(0.375)


def test_graphs_are_compared_pair_by_pair() -> None:
    speedup = on_gpu([100, 200, 400], [150, 250, 800])["graphs_speedup"]
    assert speedup == {"median": 1.5, "spread": pytest.approx(0.1875)}


def test_processes_are_pooled() -> None:
    one, other = on_gpu([100, 110], [200, 220]), on_gpu([120, 130], [240, 260])
    other["memory"]["peak_bytes"] = 5 * 2**30
    other["device"]["copy_bytes_per_s"] = 5e12
    whole = pooled([one, other])
    assert whole["tests"][1]["samples_ns"] == [100, 110, 120, 130]
    assert whole["tests"][1]["median_ns"] == 115
    assert whole["memory"]["peak_bytes"] == 5 * 2**30
    assert whole["device"]["copy_bytes_per_s"] == 4.5e12
    assert whole["graphs_speedup"]["median"] == 2


def test_the_table_shows_it_all(entry: dict[str, Any]) -> None:
    big = on_gpu([128 * 10**6] * 3, [160 * 10**6] * 3)
    document = bench_document([big, entry], [], repetitions=3, processes=1, flags=["bench", "--suite", "/a/b"])
    assert document["flags"] == ["bench", "--suite", "b"]
    lines = bench_table(document).splitlines()
    found = [" ".join(line.split()) for line in lines]
    assert found[:3] == [
        "model format backend test graphs median spread tok/s GB/s of copy weights peak",
        "big q8_0 cuda pp512 - 10.00 ms ± 0.0% 51,200 - - 3.00 GiB 4.00 GiB",
        "big q8_0 cuda tg128 on 128.00 ms ± 0.0% 1,000 3,000.0 75% 3.00 GiB 4.00 GiB",
    ]
    text = "\n".join(lines)
    assert "spread: half the distance between the quartiles of 3 repetitions; a first one is left out" in text
    assert "big: weights are synthetic, seed 42" in text
    assert "big: NVIDIA H200 copies 4,000 GB/s, read plus written" in text
    assert "big: decode with graphs is 1.250 ± 0.000 times as fast" in text
    assert "tiny-qwen3: times of the CPU, by the NumPy reference" in text


def test_one_measurement_has_no_spread() -> None:
    document = bench_document([on_gpu([100], [100])], [], repetitions=1, processes=1, flags=[])
    assert "±" not in bench_table(document).splitlines()[2]
    assert "quartiles of 1 repetition;" in bench_table(document)


def test_without_results_there_is_no_table() -> None:
    assert bench_table(bench_document([], [{"model": "a", "message": "b"}], repetitions=1, processes=1, flags=[])) == ""
