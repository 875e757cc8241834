from typing import Any

import pytest

from workbench.report.workload import run_name, workload_facts

RUN: dict[str, Any] = {
    "schema": "engine.run/1",
    "model": {"name": "qwen3-4b", "layers": 36, "parameters": 4_022_468_096},
    "weights": {"source": "synthetic, seed 42", "synthetic": True, "format": "q8_0", "bytes": 4_280_000_000},
    "timings": {"prefill_ns": [1]},
    "roles": [{"phase": "decode"}] * 20,
    "memory": {"cache_bytes": 1_500_000},
    "device": {"name": "NVIDIA H200", "copy_bytes_per_s": 4.1e12},
    "results": {"tokens_sha256": "ab" * 32, "tokens": [1, 2]},
    "clocks": None,
    "products": ["4096 x 512: algorithm 3"],
}


def test_what_the_engine_says_in_facts() -> None:
    assert dict(workload_facts(RUN)) == {
        "run: model": "name: qwen3-4b; layers: 36; parameters: 4 022 468 096",
        "run: weights": "source: synthetic, seed 42; synthetic: true; format: q8_0; bytes: 4.28 GB",
        "run: memory": "cache: 1.50 MB",
        "run: device": "name: NVIDIA H200; copy: 4.10 TB/s",
        "run: products": "4096 x 512: algorithm 3",
        "run: tokens": f"SHA-256 {'ab' * 32}",
    }
    assert run_name(RUN) == "engine, qwen3-4b q8_0, synthetic weights"


def test_what_others_say_is_shown_as_it_is() -> None:
    assert workload_facts({"model": "m", "batch": 8}) == [("workload", "model: m; batch: 8")]
    assert run_name({"model": "m"}) == ""


@pytest.mark.parametrize("part", ["model", "weights", "memory", "device", "products", "results", "clocks"])
@pytest.mark.parametrize("value", [None, 3, "text", [], [None], {}, {"name": [1]}, {"name": {"a": 1}}, {"bytes": "x"}])
def test_whatever_a_manifest_holds_can_be_shown(part: str, value: Any) -> None:
    assert all(isinstance(text, str) for fact in workload_facts(RUN | {part: value}) for text in fact)
    assert run_name(RUN | {part: value}).startswith("engine")


def test_facts_are_bounded() -> None:
    (_, text), *_ = workload_facts({"schema": "engine.run/1", "model": {"name": "w" * 9_999}})
    assert len(text) == 400
