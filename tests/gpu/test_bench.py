"""The benchmark on the GPU: going back to the end of a prompt, results, and the GPU's state under load."""

from typing import Any

import pytest

from engine.annotation import Ranges
from engine.bench import BenchPlan, bench_model
from engine.bench_tests import BenchTest
from engine.model_choice import choose_model
from engine.progress import silent
from engine.session import EngineOptions, open_engine
from engine.workload import random_prompt

pytestmark = pytest.mark.gpu

TESTS = (BenchTest("prefill", 128), BenchTest("decode", 64), BenchTest("decode", 32, 300))


def entry(*graphs: bool) -> dict[str, Any]:
    plan = BenchPlan(TESTS, (), 2, graphs)
    return bench_model(choose_model("tiny-qwen3", None, "q8_0"), EngineOptions(backend="cuda"), plan, silent)


@pytest.fixture(scope="module")
def both() -> dict[str, Any]:
    return entry(True, False)


def test_each_decode_is_timed_with_graphs_and_without(both: dict[str, Any]) -> None:
    tests = [(test["phase"], test["tokens"], test["depth"], test["graphs"]) for test in both["tests"]]
    assert tests == [
        ("prefill", 128, 0, None), ("decode", 64, 0, True), ("decode", 64, 0, False), ("decode", 32, 300, True),
        ("decode", 32, 300, False),
    ]  # fmt: skip
    assert all(min(test["samples_ns"]) > 0 for test in both["tests"])
    assert [bool(test["graphs_speedup"]) for test in both["tests"]] == [False, True, False, True, False]


def test_graphs_change_no_result(both: dict[str, Any]) -> None:
    assert entry(False)["results"] == both["results"]


def test_the_driver_tells_the_state_under_load(both: dict[str, Any]) -> None:
    conditions = both["conditions"]
    assert 0 < conditions["sm_clock_mhz"] <= conditions["max_sm_clock_mhz"]
    assert conditions["power_w"] > 0
    assert conditions["power_limit_w"] > 0
    assert conditions["performance_state"].startswith("P")
    assert isinstance(conditions["throttle_reasons"], tuple)
    assert conditions["other_processes"] is None or conditions["other_processes"] >= 0


@pytest.mark.parametrize("graphs", [True, False])
def test_an_answer_can_be_decoded_again(graphs: bool) -> None:
    options = EngineOptions(backend="cuda", graphs=graphs)
    engine = open_engine(choose_model("tiny-qwen3", None, "q8_0"), options, 512, Ranges(), silent)
    runner = engine.runner
    runner.warm_up([300])
    runner.prefill(random_prompt(300, 512, 1))
    answers = []
    for again in range(3):
        if again:
            runner.rewind()
        for step in range(40):
            runner.decode(step)
        answers.append((runner.tokens(41), runner.logits().tobytes()))
    assert answers[0] == answers[1] == answers[2]
