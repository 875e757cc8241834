from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.test_bench_document import OLD
from workbench.capture import machine
from workbench.cli import measuring
from workbench.cli.measuring import Effort, measure, resolved
from workbench.errors import UserError
from workbench.gate.bench_document import BenchEntry, BenchResults, read_entry
from workbench.gate.measured import Request

WORKLOAD: dict[str, Any] = {
    "schema": "engine.run/1",
    "model": {"name": "qwen3-4b"},
    "device": {"name": "NVIDIA H200"},
    "timings": {"prefill_ns": [7], "decode_ns": [100, 300, 200], "decode_steps": 10},
    "commit": {"sha": "a" * 40, "dirty": False},
}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was run, in order, of an engine that needs no time."""
    log: list[str] = []

    def bench(request: Request, repetitions: int, environment: Mapping[str, str]) -> BenchEntry:
        log.append(f"bench {repetitions}")
        assert environment["PYTHONPATH"]
        return read_entry({"schema": "engine.bench/1", "models": [OLD]})

    class Run:
        def __init__(self, request: Request, graphs: str | None, environment: Mapping[str, str], errors: Path) -> None:
            self.graphs = graphs

        def alone(self, repetitions: int) -> dict[str, Any]:
            log.append(f"alone {self.graphs} {repetitions}")
            return WORKLOAD

    monkeypatch.setattr(measuring, "bench_process", bench)
    monkeypatch.setattr(measuring, "EngineRun", Run)
    monkeypatch.setattr(measuring.time, "sleep", lambda seconds: log.append(f"wait {seconds:g}"))
    monkeypatch.setattr(machine, "describe_device", lambda: None)
    return log


@pytest.fixture
def captured(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The same, and captures are taken without nsys."""

    def capture(run: Any, captures: int, *_: object) -> Any:
        runs.append(f"capture {run.graphs} {captures}")
        return measuring._Captured((), measuring._fingerprint_of(Request("m"), WORKLOAD), f"Said of {run.graphs}.")

    monkeypatch.setattr(measuring, "_capture", capture)
    monkeypatch.setattr(measuring, "_require_nsys", lambda: None)
    return runs


def quiet(_: str) -> None:
    """Nobody is told."""


def test_processes_run_one_after_the_other_with_a_wait_between(runs: list[str]) -> None:
    found = measure(Request("qwen3-4b"), Effort(3, 4, 0, 2.5), quiet)
    assert runs == ["bench 4", "wait 2.5", "bench 4", "wait 2.5", "bench 4", "alone on 4"]
    assert [len(number.samples_ns) for number in found.numbers] == [3, 3, 3]
    assert found.repetitions == 4


def test_captures_are_taken_with_graphs_and_one_without(captured: list[str]) -> None:
    found = measure(Request("qwen3-4b"), Effort(1, 2, 3, 0.0), quiet)
    assert captured[1:] == ["alone on 2", "capture on 3", "alone off 2", "capture off 1"]
    assert found.remarks == ("Said of on.", "Said of off.")


def test_a_cpu_has_one_capture(captured: list[str]) -> None:
    measure(Request("qwen3-4b", backend="numpy"), Effort(1, 2, 3, 0.0), quiet)
    assert captured[1:] == ["alone None 2", "capture None 1"]


def test_without_captures_the_run_itself_tells_what_it_was(runs: list[str]) -> None:
    found = measure(Request("qwen3-4b"), Effort(1, 1, 0, 0.0), quiet)
    assert (found.fingerprint.gpu, found.fingerprint.commit, found.fingerprint.program) == (
        "NVIDIA H200",
        "a" * 40,
        "engine",
    )
    assert found.captures == ()


def test_a_decode_step_is_timed_by_the_median_run() -> None:
    assert measuring._step_ns(WORKLOAD) == 20
    assert measuring._step_ns({}) is None
    assert measuring._step_ns(None) is None


def test_progress_names_the_model_without_its_folders(runs: list[str]) -> None:
    told: list[str] = []
    measure(Request("some/where/model.gguf"), Effort(2, 1, 0, 0.0), told.append)
    assert told[:2] == ["model.gguf: benchmarks, process 1 of 2", "model.gguf: benchmarks, process 2 of 2"]


def test_without_nsys_it_is_said_how_to_do_without_captures(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError("nsys is not installed; install it")

    monkeypatch.setattr("workbench.capture.nsys.require_nsys", missing)
    with pytest.raises(UserError, match="--captures 0"):
        measure(Request("qwen3-4b"), Effort(1, 1, 1, 0.0), quiet)
    assert runs == []


def test_a_request_is_resolved_to_a_backend() -> None:
    assert resolved(Request("tiny-qwen3", backend="numpy")).backend == "numpy"


_WRONG: dict[str, Callable[[], Request]] = {
    "no model nothing": lambda: Request("nothing", backend="numpy"),
    "no variant slowly": lambda: Request("tiny-qwen3", backend="numpy", variants=("slowly",)),
    "is no workload": lambda: Request("tiny-qwen3", backend="numpy", workload="much"),
    "q9": lambda: Request("tiny-qwen3", backend="numpy", weight_format="q9"),
    "backend": lambda: Request("tiny-qwen3", backend="tpu"),
    "--tests short is not known; give default, long, all": lambda: Request(
        "tiny-qwen3", backend="numpy", tests="short"
    ),
    "chunk": lambda: Request("tiny-qwen3", backend="numpy", chunk=0),
}


@pytest.mark.parametrize("reason", _WRONG)
def test_what_the_engine_would_refuse_is_refused_before_anything_runs(reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        resolved(_WRONG[reason]())


def test_a_baseline_of_a_gpu_is_not_run_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.session.gpu_count", lambda: 0)
    with pytest.raises(UserError, match="on a GPU, and there is no NVIDIA GPU"):
        resolved(Request("tiny-qwen3"))


def test_processes_or_captures_that_disagree_are_told_as_a_fact(
    captured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """These captures come with a remark, which they have only where tokens differ under the profiler."""
    assert not measure(Request("qwen3-4b"), Effort(1, 1, 1, 0.0), quiet).results.agree
    assert measure(Request("qwen3-4b"), Effort(2, 1, 0, 0.0), quiet).results.agree
    first = read_entry({"schema": "engine.bench/1", "models": [OLD]})
    hashes = iter(("1" * 64, "2" * 64))
    monkeypatch.setattr(
        measuring, "bench_process", lambda *_: replace(first, results=BenchResults(tokens_sha256=next(hashes)))
    )
    assert not measure(Request("qwen3-4b"), Effort(2, 1, 0, 0.0), quiet).results.agree
