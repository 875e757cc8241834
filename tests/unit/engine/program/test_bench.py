import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.bench_document import with_statistics
from engine.program import bench, processes
from engine.program.main import main

ENTRY: dict[str, Any] = {
    "model": {"name": "m"},
    "weights": {"format": "fp32", "synthetic": False, "source": "m"},
    "backend": "numpy",
    "step_weight_bytes": 1000,
    "memory": {"weights_bytes": 1000, "peak_bytes": 2000},
    "device": {"name": "CPU (NumPy reference)", "copy_bytes_per_s": None},
    "conditions": {
        "sm_clock_mhz": None,
        "max_sm_clock_mhz": None,
        "power_w": None,
        "power_limit_w": None,
        "performance_state": None,
        "throttle_reasons": None,
        "other_processes": None,
    },
    "results": {"tokens_sha256": "ab"},
    "results_agree": True,
    "left_out": [],
    "tests": [{"phase": "decode", "tokens": 128, "depth": 0, "graphs": False, "samples_ns": [100, 200]}],
}


class Processes:
    """Stands for the processes that are started; what each prints, or its failure."""

    def __init__(self, *outputs: object, code: int = 0) -> None:
        self.outputs = list(outputs)
        self.code = code
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        self.commands.append(command)
        output = self.outputs.pop(0)
        text = output if isinstance(output, bytes) else json.dumps(output).encode()
        return subprocess.CompletedProcess(command, self.code, text)


def document(entry: object = None, failure: str | None = None) -> dict[str, object]:
    return {
        "models": [ENTRY] if failure is None else [],
        "failures": [] if failure is None else [{"model": "m", "message": failure}],
    }


def start(monkeypatch: pytest.MonkeyPatch, started: Processes, *arguments: str) -> int:
    monkeypatch.setattr(processes, "subprocess", SimpleNamespace(run=started, PIPE=subprocess.PIPE))
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_processes_get_one_model_each_and_are_pooled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = Processes(document(), document())
    arguments = (
        "--model=m", "--processes=2", "--reps=2", "--graphs=both", "--chunk=7", "--variant=no-pdl",
        "--weight-format=fp16", "--backend=numpy", "--seed=3", "--tests=long", "--format=json",
    )  # fmt: skip
    assert start(monkeypatch, started, *arguments) == 0
    assert len(started.commands) == 2
    assert started.commands[0][:5] == [sys.executable, "-P", "-m", "engine", "bench"]
    assert set(started.commands[0][5:]) == {
        "--model=m", "--reps=2", "--graphs=both", "--chunk=7", "--variant=no-pdl", "--weight-format=fp16",
        "--backend=numpy", "--seed=3", "--tests=long", "--format=json",
    }  # fmt: skip
    whole = json.loads(capsys.readouterr().out)
    assert whole["schema"] == "engine.bench/1"
    assert (whole["processes"], whole["repetitions"]) == (2, 2)
    assert whole["models"][0]["tests"][0]["samples_ns"] == [100, 200, 100, 200]
    assert whole["models"][0]["tests"][0]["samples_by_process"] == [[100, 200], [100, 200]]


def test_a_suite_times_every_model_whatever_happens_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "suite"
    suite.write_text("# ours\n\na --weight-format q8_0\n'b c' --weights there  # real\nd\na --weight-format q8_0\n")
    started = Processes(document(failure="it is damaged"), b"", document(), code=-9)
    output = tmp_path / "out.json"
    assert start(monkeypatch, started, "--suite", str(suite), "-o", str(output)) == 2
    assert [command[5:8] for command in started.commands] == [
        ["--model=a", "--weight-format=q8_0", "--backend=auto"],
        ["--model=b c", "--weights=there", "--backend=auto"],
        ["--model=d", "--backend=auto", "--seed=42"],
    ]
    out, errors = capsys.readouterr()
    assert "tg128" in out
    assert errors.splitlines() == [
        "engine: a: it is damaged",
        "engine: b c: its process was ended by SIGKILL before it had said anything; see above",
    ]
    assert len(json.loads(output.read_text())["failures"]) == 2


@pytest.mark.parametrize("line", ["a b", "a --reps 3", "'a", "--weights x"])
def test_a_line_of_a_suite_that_makes_no_sense_is_named(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "suite"
    suite.write_text(f"tiny-qwen3\n{line}\n")
    assert start(monkeypatch, Processes(), "--suite", str(suite)) == 2
    assert capsys.readouterr().err.startswith(f"engine: line 2 of {suite} makes no sense: ")


def test_weights_are_those_of_one_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert start(monkeypatch, Processes(), "--model", "a", "--model", "b", "--weights", "c") == 2
    assert capsys.readouterr().err.startswith("engine: --weights are those of one model")


@pytest.mark.parametrize("error", ["engine", "memory"])
def test_one_model_fails_in_one_sentence_and_says_so_in_json(
    error: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    if error == "memory":
        monkeypatch.setattr("engine.bench.bench_model", fail)
    model = "tiny-qwen3" if error == "memory" else "nothing"
    assert start(monkeypatch, Processes(), "--model", model, "--backend=numpy", "--format=json") == 2
    out, errors = capsys.readouterr()
    message = json.loads(out)["failures"][0]["message"]
    assert message.startswith("memory does not suffice" if error == "memory" else "there is no model nothing")
    assert errors.splitlines()[-1] == f"engine: {message}"


def test_tests_that_do_not_fit_are_named_before_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plans: list[Any] = []

    def bench_model(_choice: object, _options: object, plan: object, _progress: object) -> dict[str, Any]:
        plans.append(plan)
        return with_statistics(ENTRY)

    monkeypatch.setattr("engine.bench.bench_model", bench_model)
    assert start(monkeypatch, Processes(), "--model=tiny-qwen3", "--backend=numpy", "--tests=long") == 0
    assert [test.name for test in plans[0].tests] == ["pp1024", "pp2048", "pp4096", "tg256@1024"]
    assert [test.name for test in plans[0].left_out] == ["pp8192", "tg256@4096", "tg256@8192"]
    assert plans[0].context == 4096
    left_out = "left out, for the model was not made for so many tokens: pp8192, tg256@4096, tg256@8192"
    assert f"engine: tiny-qwen3: {left_out}" in capsys.readouterr().err.splitlines()


def test_endings_of_processes_are_told() -> None:
    assert bench._ending(3) == "ended with exit code 3"
    assert bench._ending(-15) == "was ended by SIGTERM"
    assert bench._ending(-99) == "was ended by signal 99"


def test_where_every_model_failed_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.json"
    assert start(monkeypatch, Processes(), "--model", "nothing", "-o", str(output)) == 2
    assert not output.exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "large"])
def test_a_suite_is_a_small_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Path("/dev/zero") if kind == "device" else tmp_path / "suite"
    if kind == "pipe":
        os.mkfifo(suite)
    elif kind == "large":
        suite.write_bytes(b"a\n" * (1 << 20))
    assert start(monkeypatch, Processes(), "--suite", str(suite)) == 2
    reason = "it is larger than 1024 KiB" if kind == "large" else "it is no file"
    assert f"cannot be read ({reason}); name a text file" in capsys.readouterr().err
