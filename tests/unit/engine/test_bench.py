import json
from typing import Any

import pytest

import engine.bench as bench_module
from engine.bench import BenchPlan, bench_model
from engine.bench_document import bench_document, pooled, with_statistics
from engine.bench_table import bench_table
from engine.bench_tests import BenchTest
from engine.progress import silent
from engine.run_document import result_facts
from engine.runner import Runner
from engine.session import EngineOptions
from engine.workload import random_prompt
from tests.unit.engine.engines import choice, tiny

PLAN = BenchPlan(
    tests=(BenchTest("prefill", 8), BenchTest("prefill", 300), BenchTest("decode", 5), BenchTest("decode", 4, 30)),
    left_out=(BenchTest("decode", 4, 9000),),
    repetitions=3,
    graphs=(True, False),
)
UNKNOWN = {
    "sm_clock_mhz": None, "max_sm_clock_mhz": None, "power_w": None, "power_limit_w": None, "performance_state": None,
    "throttle_reasons": None, "other_processes": None,
}  # fmt: skip
BUSY = {
    "sm_clock_mhz": 1755, "max_sm_clock_mhz": 1980, "power_w": 512.3, "power_limit_w": 700.0,
    "performance_state": "P0", "throttle_reasons": ["sw_power_cap"], "other_processes": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    told: list[tuple[str, int, int]] = []
    made = bench_model(choice(), EngineOptions(backend="numpy"), PLAN, lambda *stage: told.append(stage))
    assert [stage for stage in told if stage[0] == "tg5"] == [("tg5", done, 3) for done in range(4)]
    entry: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
    return entry


def on_gpu(on_ns: list[int], off_ns: list[int]) -> dict[str, Any]:
    return with_statistics(
        {
            "model": {"name": "big"},
            "weights": {"format": "q8_0", "synthetic": True, "source": "synthetic, seed 42"},
            "backend": "cuda",
            "step_weight_bytes": 3 * 10**9,
            "memory": {"weights_bytes": 3 * 2**30, "peak_bytes": 4 * 2**30},
            "device": {"name": "NVIDIA H200", "copy_bytes_per_s": 4e12},
            "conditions": BUSY,
            "results": {"tokens_sha256": "ab", "tokens": [1]},
            "results_agree": True,
            "left_out": [],
            "tests": [
                {"phase": "prefill", "tokens": 512, "depth": 0, "graphs": None, "samples_ns": [10**7] * len(on_ns)},
                {"phase": "decode", "tokens": 128, "depth": 0, "graphs": True, "samples_ns": on_ns},
                {"phase": "decode", "tokens": 128, "depth": 0, "graphs": False, "samples_ns": off_ns},
                {"phase": "decode", "tokens": 128, "depth": 4096, "graphs": True, "samples_ns": on_ns},
                {"phase": "decode", "tokens": 128, "depth": 4096, "graphs": False, "samples_ns": on_ns},
            ],
        }
    )


def test_each_test_is_timed_so_often_without_its_first_run(entry: dict[str, Any]) -> None:
    tests = [(test["phase"], test["tokens"], test["depth"], test["graphs"]) for test in entry["tests"]]
    # There are no graphs on a CPU.
    assert tests == [
        ("prefill", 8, 0, None),
        ("prefill", 300, 0, None),
        ("decode", 5, 0, False),
        ("decode", 4, 30, False),
    ]
    assert all(len(test["samples_ns"]) == 3 and min(test["samples_ns"]) > 0 for test in entry["tests"])
    assert all(test["samples_by_process"] == [test["samples_ns"]] for test in entry["tests"])
    assert entry["graphs_speedup"] is None
    assert entry["context"] == 512


def test_an_entry_says_what_ran_and_where(entry: dict[str, Any]) -> None:
    assert entry["model"]["name"] == "tiny-qwen3"
    assert entry["weights"]["source"] == "synthetic, seed 42"
    assert entry["device"]["copy_bytes_per_s"] is None
    assert entry["step_weight_bytes"] == entry["weights"]["bytes"] - 512 * 128 * 4
    assert entry["memory"]["peak_bytes"] > 0
    assert entry["left_out"] == [{"phase": "decode", "tokens": 4, "depth": 9000}]


def test_an_entry_says_what_the_model_computed_whatever_was_timed(entry: dict[str, Any]) -> None:
    runner = tiny().runner
    prompt = random_prompt(64, 512, 42)
    runner.prefill(prompt)
    logits = runner.logits()
    # Tokens come from products of one row alone.
    runner.prefill(prompt[:1])
    for step in range(95):
        runner.decode(step)
    assert entry["results"] == json.loads(json.dumps(result_facts(runner.tokens(96), logits)))
    assert entry["results_agree"] is True
    other = bench_model(choice(), EngineOptions(backend="numpy", seed=43), PLAN, silent)
    assert other["results"]["tokens_sha256"] != entry["results"]["tokens_sha256"]


def test_without_a_gpu_nothing_is_known_of_its_state(entry: dict[str, Any]) -> None:
    assert entry["conditions"] == UNKNOWN
    assert entry["conditions_by_process"] == [UNKNOWN]


def test_a_prompt_is_read_once_for_all_repetitions_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    decoded: list[list[int]] = []
    runner = tiny().runner

    def prefill(prompt: list[int]) -> None:
        read.append(len(prompt))
        Runner.prefill(runner, prompt)

    def time_decode(runner: Runner, steps: int) -> int:
        for step in range(steps):
            runner.decode(step)
        decoded.append(runner.tokens(1 + steps))
        return 1

    monkeypatch.setattr(bench_module, "time_prefill", lambda _, prompt: prefill(prompt))
    monkeypatch.setattr(bench_module, "time_decode", time_decode)
    test = BenchTest("decode", 4, 30)
    (samples,) = bench_module._decode(runner, test, random_prompt(30, 512, 1), 3, (False,), silent)
    assert read == [30]
    assert samples.times_ns == (1, 1, 1)
    fresh = tiny().runner
    fresh.prefill(random_prompt(30, 512, 1))
    for step in range(4):
        fresh.decode(step)
    assert decoded == [fresh.tokens(5)] * 4


def test_speeds_follow_from_the_median() -> None:
    prefill, on, off, *_ = on_gpu([128 * 10**6, 128 * 10**6, 256 * 10**6], [256 * 10**6] * 3)["tests"]
    assert prefill["tokens_per_s"] == pytest.approx(51_200)
    assert prefill["weight_bytes_per_s"] is None
    assert on["tokens_per_s"] == pytest.approx(1000)
    assert on["weight_bytes_per_s"] == pytest.approx(3e12)
    assert on["copy_share"] == pytest.approx(0.75)
    assert on["spread_ns"] == pytest.approx(32 * 10**6)
    assert off["copy_share"] == pytest.approx(0.375)


def test_graphs_are_compared_pair_by_pair() -> None:
    whole = on_gpu([100, 200, 400], [150, 250, 800])
    assert whole["graphs_speedup"] == {"median": 1.5, "spread": pytest.approx(0.1875)}
    speedups = [test["graphs_speedup"] for test in whole["tests"]]
    assert speedups == [None, whole["graphs_speedup"], None, {"median": 1, "spread": 0}, None]


def test_processes_are_pooled() -> None:
    one, other = on_gpu([100, 110], [200, 220]), on_gpu([120, 130], [240, 260])
    other["memory"]["peak_bytes"] = 5 * 2**30
    other["device"]["copy_bytes_per_s"] = 5e12
    whole = pooled([one, other])
    assert whole["tests"][1]["samples_ns"] == [100, 110, 120, 130]
    assert whole["tests"][1]["samples_by_process"] == [[100, 110], [120, 130]]
    assert whole["tests"][1]["median_ns"] == 115
    assert whole["memory"]["peak_bytes"] == 5 * 2**30
    assert whole["device"]["copy_bytes_per_s"] == 4.5e12
    assert whole["graphs_speedup"]["median"] == 2
    assert whole["results_agree"] is True


def test_conditions_are_those_of_the_process_with_the_lowest_clock() -> None:
    one, other, blind = (on_gpu([100], [200]) for _ in range(3))
    other["conditions"] = BUSY | {"sm_clock_mhz": 1200}
    blind["conditions"] = UNKNOWN
    whole = pooled([one, other, blind])
    assert whole["conditions"] == other["conditions"]
    assert whole["conditions_by_process"] == [BUSY, other["conditions"], UNKNOWN]


def test_processes_that_compute_different_results_are_told_of() -> None:
    one, other = on_gpu([100], [200]), on_gpu([100], [200])
    other["results"] = {"tokens_sha256": "cd", "tokens": [2]}
    whole = pooled([one, other])
    assert whole["results_agree"] is False
    document = bench_document([whole], [], repetitions=1, processes=2, flags=[])
    assert "big: processes computed different tokens or logits from the same seed" in bench_table(document)


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
    assert "big: decode with graphs is 1.250 ± 0.000 times as fast (tg128)" in text
    assert "big: decode with graphs is 1.000 ± 0.000 times as fast (tg128@4096)" in text
    state = "1,755 of 1,980 MHz, 512 of 700 W, P0, clocks held down by sw_power_cap, 1 other process on the GPU"
    assert f"big: while decoding, {state}" in text
    assert "big: left out" not in text
    assert "different tokens" not in text
    assert [line[3] for line in map(str.split, lines) if line and line[0] == "tiny-qwen3"] == [
        "pp8", "pp300", "tg5", "tg4@30",
    ]  # fmt: skip
    assert "tiny-qwen3: times of the CPU, by the NumPy reference" in text
    assert "tiny-qwen3: left out, for the model was not made for so many tokens: tg4@9000" in text
    assert "tiny-qwen3: while decoding" not in text


def test_only_what_is_known_of_a_gpus_state_is_told() -> None:
    idle = UNKNOWN | {"sm_clock_mhz": 1980, "throttle_reasons": [], "other_processes": 2}
    document = bench_document([on_gpu([1], [1]) | {"conditions": idle}], [], repetitions=1, processes=1, flags=[])
    assert "big: while decoding, 1,980 MHz, 2 other processes on the GPU\n" in bench_table(document)


def test_one_measurement_has_no_spread() -> None:
    document = bench_document([on_gpu([100], [100])], [], repetitions=1, processes=1, flags=[])
    assert "±" not in bench_table(document).splitlines()[2]
    assert "quartiles of 1 repetition;" in bench_table(document)


def test_without_results_there_is_no_table() -> None:
    assert bench_table(bench_document([], [{"model": "a", "message": "b"}], repetitions=1, processes=1, flags=[])) == ""
