"""`wb generate`, `wb bench` and `wb demo`."""

import json
from pathlib import Path

import pytest

from tests.conftest import PROFILES
from tests.e2e.command_line import wb
from workbench.recorders import CPU_NOTICE

_GENERATE = ("generate", "--model", "tiny-qwen3", "--prompt", "hello", "--max-tokens", "4")


def test_an_answer_is_printed_alone(tmp_path: Path) -> None:
    done = wb(*_GENERATE, folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert "synthetic weights" in done.stderr
    assert wb(*_GENERATE, folder=tmp_path).stdout == done.stdout


def test_an_answer_as_json(tmp_path: Path) -> None:
    sampled = ("--temperature", "0.8", "--top-k", "20", "--top-p", "0.9", "--seed", "7")
    document = json.loads(wb(*_GENERATE, *sampled, "--format", "json", folder=tmp_path).stdout)
    assert set(document) == {"prompt_tokens", "tokens", "text", "finish_reason"}
    assert len(document["tokens"]) <= 4


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((*_GENERATE, "--temperature", "-1"), "see `wb generate --help`"),
        ((*_GENERATE, "--format", "yaml"), "yaml"),
        (("generate", "--model", "nonsense", "--prompt", "a"), "no model nonsense"),
        (("generate", "--model", "tiny-qwen3"), "--prompt"),
        (("bench",), "no model to time"),
        (("bench", "--model", "nonsense"), "no model nonsense"),
        (("bench", "--model", "tiny-qwen3", "--reps", "0"), "see `wb bench --help`"),
    ],
)
def test_what_the_engine_refuses_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = wb(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_benchmark_is_a_table_and_a_document(tmp_path: Path) -> None:
    done = wb("bench", "--model", "tiny-qwen3", "--reps", "1", "-o", "bench.json", folder=tmp_path)
    assert done.returncode == 0
    assert "tg128" in done.stdout
    assert json.loads((tmp_path / "bench.json").read_text())["models"]


def test_long_tests_are_run_as_far_as_they_fit_and_change_no_result(tmp_path: Path) -> None:
    documents = {}
    for tests in ("default", "long"):
        arguments = ("--model", "tiny-qwen3", "--tests", tests, "--reps", "1", "--backend", "numpy", "--format", "json")
        done = wb("bench", *arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert ("left out" in done.stderr) == (tests == "long")
        documents[tests] = json.loads(done.stdout)["models"][0]
    long = documents["long"]
    assert [(test["tokens"], test["depth"]) for test in long["tests"]] == [(1024, 0), (2048, 0), (4096, 0), (256, 1024)]
    assert [(test["tokens"], test["depth"]) for test in long["left_out"]] == [(8192, 0), (256, 4096), (256, 8192)]
    assert long["results"] == documents["default"]["results"]
    refused = wb("bench", "--model", "tiny-qwen3", "--tests", "short", folder=tmp_path)
    assert refused.returncode == 2
    assert "see `wb bench --help`" in refused.stderr


def test_the_demo_shows_a_real_capture_and_profiles_a_tiny_model(tmp_path: Path) -> None:
    done = wb("demo", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    real, own = done.stdout.split("The same on this machine", 1)
    assert "All findings" in real
    assert f"wb: {CPU_NOTICE}" in done.stderr
    shown = [line for line in own.splitlines() if line.startswith("wb-demo/")]
    assert len(shown) == 2
    assert all((tmp_path / line).is_file() for line in shown)
    assert [path.name for path in tmp_path.iterdir()] == ["wb-demo"]
    again = wb("demo", "-o", "wb-demo", folder=tmp_path)
    assert again.returncode == 0
    assert len(list((tmp_path / "wb-demo" / "reports").glob("*.md"))) == 2


def test_doctor_says_what_models_would_run_on(tmp_path: Path) -> None:
    said = wb("doctor", folder=tmp_path, COLUMNS="300").stdout
    assert "runs on NumPy: " in said or "runs on the GPU" in said


def test_the_capture_that_the_demo_shows_is_kept() -> None:
    assert (PROFILES / "hf_qwen3_graph" / "manifest.json").is_file()
