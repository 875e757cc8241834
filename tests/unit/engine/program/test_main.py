import errno
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import Architecture
from engine.errors import EngineError
from engine.formats import FP32
from engine.program import run as run_verb
from engine.program.main import execute, main, parser
from tests.unit.engine.weights.builders import CONFIGS, random_tensors, write_folder

TINY = ("--model", "tiny-qwen3", "--backend", "numpy")


def engine(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "the following arguments are required: VERB; see `python -m engine --help`"),
        (("fly",), "argument VERB: invalid choice: 'fly'"),
        (("run",), "the following arguments are required: --model, --workload; see `python -m engine run --help`"),
        (("run", *TINY, "--workload", "W9"), "W9 is no workload; give W1, W2, or sizes of at least 1"),
        (("run", *TINY, "--workload", "W1", "--reps", "0"), "argument --reps: 0 is no whole number of 1 or more"),
        (("run", *TINY, "--workload", "W1", "--reps", "1e3"), "argument --reps: 1e3 is no whole number of 1 or more"),
        (("run", *TINY, "--workload", "W1", "--seed", "-1"), "argument --seed:"),
        (("run", *TINY, "--workload", "W1", "--temperature", "nan"), "argument --temperature: nan is no number of 0"),
        (("run", *TINY, "--workload", "W1", "--variant", "fast"), "there is no variant fast; known are unfused-qkv,"),
        (("run", *TINY, "--workload", "W1", "--context", "9"), "8192 tokens of prompt and 64 of answer do not fit"),
        (("run", *TINY, "--workload", "W1", "--weights", "gone"), "there is no file or folder gone"),
        (("run", "--model", "gpt", "--backend", "numpy", "--workload", "W1"), "there is no model gpt, and no file"),
        (("generate", *TINY, "--prompt", ""), "the prompt holds no token; give one"),
        (("generate", *TINY, "--prompt", "a", "--max-tokens", "9999"), "1 tokens of prompt and 9999 of answer do not"),
        (("generate", *TINY, "--prompt", "a", "--top-p", "0"), "argument --top-p: 0 is no number above 0, up to 1"),
        (("bench", "--backend", "numpy"), "there is no model to time; give --model, or --suite with a line a model"),
        (("bench", "--suite", "gone"), "gone cannot be read"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert engine(*arguments) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(f"engine: {sentence}"), errors
    assert errors.count("\n") == 1


def test_another_program_may_speak(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", *TINY, "--workload", "W9"], "wb") == 2
    assert capsys.readouterr().err.startswith("wb: W9 is no workload;")


def test_a_gpu_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.session.gpu_count", lambda: 1)
    assert engine("run", "--model", "tiny-qwen3", "--workload", "W1", "--record", "a.sqlite") == 2
    assert capsys.readouterr().err.startswith("engine: --record records the NumPy backend alone")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (EngineError("the file is damaged"), 2, "engine: the file is damaged\n"),
        (MemoryError(), 2, "engine: memory does not suffice; choose a smaller model, context or chunk\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_end_in_exit_codes(
    error: BaseException,
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any) -> int:
        raise error

    monkeypatch.setattr(run_verb, "call", fail)
    assert engine("run", *TINY, "--workload", "W1") == code
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (BrokenPipeError(), 141, ""),
        (OSError(errno.EIO, "Input/output error"), 2, "the system refuses (Input/output error)"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a\x1b"), 2, "the system refuses (a\\x1b: No such file)"),
    ],
)
def test_what_the_system_refuses_ends_the_program(
    error: OSError, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> int:
        raise error

    monkeypatch.setattr(run_verb, "call", fail)
    assert engine("run", *TINY, "--workload", "W1") == code
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_is_missing_is_missed_by_nobody(
    stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WB_WORKLOAD_MANIFEST", str(tmp_path / "document"))
    monkeypatch.setattr(sys, stream, None)
    assert engine("run", *TINY, "--workload", "pp=2,tg=1") == 0
    assert (tmp_path / "document").exists()
    assert engine("run", *TINY, "--workload", "nothing") == 2
    assert engine("generate", *TINY, "--prompt", "a", "--max-tokens", "1") == 0


NOT_FINITE = "engine: the logits are not finite: the weights are damaged or overflow\n"


@pytest.mark.parametrize(
    "verb", [("run", "--workload", "pp=2,tg=1"), ("generate", "--prompt", "a", "--max-tokens", "2")], ids=str
)
@pytest.mark.parametrize("value", [math.nan, math.inf, 1.0])
def test_logits_that_are_not_finite_are_told_once(
    value: float, verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.runner.Runner.logits", lambda _: np.full(512, value, np.float32))
    assert engine(verb[0], *TINY, *verb[1:]) == 0
    assert capsys.readouterr().err.count(NOT_FINITE) == (value != 1.0)


def test_weights_that_overflow_are_one_sentence(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CONFIGS[Architecture.QWEN3]
    tensors = random_tensors(config, FP32)
    head = tensors["lm_head.weight"]
    tensors["lm_head.weight"] = replace(head, parts=FP32.pack(np.full(head.shape, 3e38, np.float32)))
    folder = write_folder(tmp_path / "model", config, tensors)
    assert engine("run", "--model", str(folder), "--backend", "numpy", "--workload", "pp=2,tg=1") == 0
    assert capsys.readouterr().err.count(NOT_FINITE) == 1
    assert not list(recwarn)


STEERING = "no\x1b[31m\nfoo" + "o" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--model", STEERING, "--workload", "W1"),
        ("run", *TINY, "--workload", "W1", "--weights", STEERING),
        ("run", *TINY, "--workload", "W1", "--weight-format", STEERING),
        ("run", *TINY, "--workload", "W1", "--variant", STEERING),
        ("run", *TINY, "--workload", "W1", "--reps", STEERING),
        ("run", *TINY, "--workload", STEERING),
        ("run", *TINY, "--workload", "W1", f"--{STEERING}"),
        ("run", *TINY, "--workload", "W1", "--record", STEERING),
        ("bench", "--suite", STEERING),
        ("bench", "--model", STEERING),
        (STEERING,),
    ],
    ids=lambda each: each[-2] if len(each) > 1 else each[0][:2],
)
def test_what_is_quoted_is_short_and_harmless(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert engine(*arguments) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in errors
    assert errors.count("\n") == 1
    assert len(errors) < 700


def test_a_folders_name_is_shown_harmlessly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIGS[Architecture.QWEN3]
    folder = write_folder(tmp_path / "a\x1b[31m\nb", config, random_tensors(config, FP32))
    assert engine("run", "--model", str(folder), "--backend", "numpy", "--workload", "pp=2,tg=1") == 0
    out, errors = capsys.readouterr()
    assert out.startswith("a?[31m?b, ")
    assert out.count("\n") == 1
    assert "\x1b" not in out + errors


def test_a_folder_that_was_removed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert engine("run", "--model", ".", "--backend", "numpy", "--workload", "W1") == 2
    assert capsys.readouterr().err == (
        "engine: the current folder was removed; go to another, and name the model's path\n"
    )


@pytest.mark.parametrize("option", ["--model", "--weights"])
def test_an_empty_path_is_not_the_current_folder(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine("run", *TINY, option, "", "--workload", "W1") == 2
    assert " is empty; " in capsys.readouterr().err


def test_nothing_heavy_is_imported_before_it_is_known_what_is_asked_for() -> None:
    code = "import sys, engine.program.main as m; m.parser(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "rich", "cuda", "nvtx", "tokenizers", "gguf"):
        assert f"'{heavy}'" not in loaded


@pytest.mark.parametrize(("theirs", "expected"), [({}, ["1", "1"]), ({"OMP_NUM_THREADS": "3"}, [None, "3"])])
def test_products_take_one_thread_unless_the_user_says_otherwise(
    theirs: dict[str, str], expected: list[str | None]
) -> None:
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    code = f"import engine.__main__, json, os; print(json.dumps([os.environ.get(name) for name in {names}]))"
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], env=plain | theirs, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected


def test_an_interrupt_while_modules_are_imported_is_no_crash(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'engine.program':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "runpy.run_module('engine', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_every_verb_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("run", "bench", "generate"):
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([verb, "--help"])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert "--model NAME|PATH" in out
        assert "  malloc-per-step\n    An allocation and a release in every decode step" in out


def test_a_run_writes_its_document_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "document.json"
    monkeypatch.setenv("WB_WORKLOAD_MANIFEST", str(target))
    assert engine("run", *TINY, "--workload", "pp=9,tg=3", "--reps", "2", "--temperature", "0.5", "--seed", "7") == 0
    out, errors = capsys.readouterr()
    assert out.startswith("tiny-qwen3, synthetic, seed 7, fp32, numpy: prefill of 9 in ")
    assert out.endswith("; medians of 2\n")
    assert out.count("\n") == 1
    assert "engine: tiny-qwen3 has synthetic weights, seed 7; give --weights PATH to run real ones\n" in errors
    document = json.loads(target.read_text())
    assert document["workload"]["temperature"] == 0.5
    assert document["workload"]["seed"] == 7
    assert len(document["timings"]["prefill_ns"]) == 2
    assert len(document["results"]["tokens"]) == 4


def test_where_the_document_cannot_be_written_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WB_WORKLOAD_MANIFEST", str(tmp_path / "file" / "a"))
    assert engine("run", *TINY, "--workload", "pp=2,tg=1") == 2
    assert "cannot be written" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_document_replaces_nothing_but_a_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a"
    {"folder": target.mkdir, "link": lambda: target.symlink_to("b"), "pipe": lambda: os.mkfifo(target)}[kind]()
    monkeypatch.setenv("WB_WORKLOAD_MANIFEST", str(target))
    assert engine("run", *TINY, "--workload", "pp=2,tg=1") == 2
    assert capsys.readouterr().err == f"engine: {target} is something other than a file; name another file\n"


@pytest.mark.parametrize("verb", [("run", "--workload", "pp=2,tg=1", "--record"), ("bench", "--reps", "1", "-o")])
@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("file", "file exists; name another file, or remove it"),
        ("pipe", "pipe exists; name another file, or remove it"),
        ("link", "link exists; name another file, or remove it"),
        ("", ". is a folder; name a file"),
        ("gone/file", "there is no folder gone; make it, or name another file"),
        ("a" * 250, "cannot be written (File name too long)"),
    ],
)
def test_nothing_of_the_user_is_replaced(
    verb: tuple[str, ...],
    target: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert engine(verb[0], *TINY, *verb[1:], target) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert errors.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


def test_an_answer_is_printed_harmlessly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = iter([104, 27, 300, 10, 101])
    monkeypatch.setattr("engine.generation.generate", lambda *_: said)
    assert engine("generate", *TINY, "--prompt", "x", "--max-tokens", "5") == 0
    out, errors = capsys.readouterr()
    assert out == "h\\x1b[300]\ne\n"
    assert "its tokens are bytes" in errors


def test_an_answer_may_be_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.generation.generate", lambda *_: iter([27, 300]))
    assert engine("generate", *TINY, "--prompt", "xy", "--max-tokens", "2", "--format", "json") == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {
        "prompt_tokens": [120, 121], "tokens": [27, 300], "text": "\x1b[300]", "finish_reason": "length",
    }  # fmt: skip


def test_progress_is_of_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(sys.stderr, io.TextIOBase)
    assert engine("run", *TINY, "--workload", "pp=2,tg=1") == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "loading layers ...", "loading layers: done (2)", "warming up ...", "warming up: done", "repetitions ...",
        "repetitions: done",
    ]  # fmt: skip
