"""The engine as a program of its own, and what the workbench reads of it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.command_line import environment, wb

ENGINE = [sys.executable, "-m", "engine"]
TINY = ("--model", "tiny-qwen3", "--backend", "numpy")


def engine(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ENGINE, *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_recorded_run_is_attributed_and_explained(tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    done = engine(
        "run", *TINY, "--workload", "pp=12,tg=6", "--reps", "2", "--record", "run.sqlite",
        folder=tmp_path, WB_WORKLOAD_MANIFEST=str(document),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(document.read_text())["timings"]["decode_steps"] == 6

    attributed = wb("attribute", "run.sqlite", "--by", "layer_type,role", folder=tmp_path)
    assert attributed.returncode == 0, attributed.stderr
    assert "100.0 % by range" in attributed.stdout
    assert "qkv_proj" in attributed.stdout

    found = wb("findings", "run.sqlite", "-o", "findings.md", folder=tmp_path)
    assert found.returncode == 0, found.stderr
    report = (tmp_path / "findings.md").read_text()
    assert "CPU (NumPy reference)" in report
    assert "12 (ranges)" in report


def test_an_answer_is_the_same_every_time(tmp_path: Path) -> None:
    answers = [
        engine("generate", *TINY, "--prompt", "hello", "--max-tokens", "12", "--format", "json", folder=tmp_path)
        for _ in range(2)
    ]
    assert answers[0].returncode == 0, answers[0].stderr
    assert answers[0].stdout == answers[1].stdout
    answer = json.loads(answers[0].stdout)
    assert answer["prompt_tokens"] == list(b"hello")
    assert len(answer["tokens"]) == 12


def test_models_are_timed_in_processes_of_their_own(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.write_text("tiny-qwen3\nnothing\n")
    done = engine("bench", "--suite", "suite", "--backend", "numpy", "--reps", "1", "-o", "b.json", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout.splitlines()[1].split()[:5] == ["tiny-qwen3", "fp32", "numpy", "pp128", "-"]
    document = json.loads((tmp_path / "b.json").read_text())
    assert [test["tokens"] for test in document["models"][0]["tests"]] == [128, 512, 4096, 128]
    assert document["failures"][0]["model"] == "nothing"


def test_processes_compute_the_same_and_keep_their_times_apart(tmp_path: Path) -> None:
    done = engine("bench", *TINY, "--processes", "2", "--reps", "2", "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert model["results_agree"] is True
    assert len(model["results"]["tokens"]) == 32
    for test in model["tests"]:
        assert [len(times) for times in test["samples_by_process"]] == [2, 2]
        assert [*test["samples_by_process"][0], *test["samples_by_process"][1]] == test["samples_ns"]


def test_an_engine_in_the_current_folder_is_not_taken_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("raise SystemExit('taken')\n")
    command = [sys.executable, "-P", "-m", "engine", "bench", *TINY, "--model", "nothing", "--reps", "1"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert "taken" not in done.stderr
    assert done.stdout.splitlines()[1].startswith("tiny-qwen3")


@pytest.mark.parametrize(
    ("streams", "code"), [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("2>/dev/full", 0), (">/dev/full", 2)]
)
def test_results_are_written_whatever_becomes_of_the_streams(streams: str, code: int, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$@" {streams}', "sh", *ENGINE, "run", *TINY, "--workload", "pp=4,tg=2"],
        cwd=tmp_path,
        env=environment(WB_WORKLOAD_MANIFEST=str(tmp_path / "document")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "document").read_text())["schema"] == "engine.run/1"


@contextmanager
def started(*arguments: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The engine while it runs; signals end it even where the tests themselves ignore them, as under nohup."""
    process = subprocess.Popen(
        [*ENGINE, *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_for_line(process: "subprocess.Popen[str]", beginning: str) -> None:
    assert process.stderr
    assert any(line.startswith(beginning) for line in process.stderr)


def children(process: "subprocess.Popen[str]") -> list[int]:
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_running(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_process_of_a_model_too(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with started("bench", *TINY, "--processes", "2", "--reps", "100000", folder=tmp_path) as process:
        wait_for_line(process, "pp128")
        (child,) = children(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == code
        assert "Traceback" not in errors
        assert not is_running(child)


def test_ctrl_c_ends_a_run_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    arguments = ("run", *TINY, "--workload", "pp=8,tg=1000000", "--record", "run.sqlite")
    with started(*arguments, folder=tmp_path) as process:
        wait_for_line(process, "repetitions")
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, out, errors) == (130, "", "")
    assert list(tmp_path.iterdir()) == []
