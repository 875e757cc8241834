import dataclasses
import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import __version__
from engine.commit import own_commit
from engine.device import Clocks, DeviceDescription
from engine.measurement import measure
from engine.progress import silent
from engine.run_document import Run, run_document, without_folders
from engine.workload import Workload, random_prompt
from tests.unit.engine.engines import tiny

DEVICE = DeviceDescription(
    name="NVIDIA H200", driver="580.1", cuda="13.0", nvrtc="13.0.88", cublas="13.1", cuda_core="1.2.0",
    clocks=Clocks(1980, 3201, 1980, 3201, 700.0), products=("qkv_proj: 3",),
    copy_bytes_per_s=4.3e12, operations_per_s=7.8e14,
)  # fmt: skip


def finished(chunk: int = 64, device: DeviceDescription | None = None) -> Run:
    workload = Workload(None, 20, 6)
    engine = tiny(chunk=chunk)
    measurement = measure(engine.runner, workload, random_prompt(20, 512, 42), 2, silent)
    return Run(engine, workload, measurement, device, ["run", "--record", "/home/me/a.sqlite"])


@pytest.fixture(scope="module")
def run() -> Run:
    return finished()


@pytest.fixture(scope="module")
def document(run: Run) -> dict[str, Any]:
    text = json.dumps(run_document(run), allow_nan=False)
    return json.loads(text)


def test_it_says_what_ran(document: dict[str, Any]) -> None:
    assert document["schema"] == "engine.run/1"
    assert document["model"] == {
        "name": "tiny-qwen3", "architecture": "qwen3", "layers": 2, "hidden_size": 128, "intermediate_size": 384,
        "heads": 4, "kv_heads": 2, "head_dim": 32, "vocabulary": 512, "parameters": 525056,
    }  # fmt: skip
    assert document["weights"] == {
        "source": "synthetic, seed 42", "synthetic": True, "format": "fp32", "embedding_format": "fp32",
        "head_format": "fp32", "bytes": 525056 * 4,
    }  # fmt: skip
    assert document["workload"] == {
        "name": None, "prompt_tokens": 20, "decode_tokens": 6, "batch": 1, "temperature": 0.0, "seed": 42,
        "repetitions": 2, "chunk": 64, "context": 256, "cache_format": "fp32", "graphs": False, "variants": [],
    }  # fmt: skip
    assert document["memory"]["weights_bytes"] > 525056 * 4
    assert document["memory"]["cache_bytes"] == 2 * 2 * 2 * 32 * 256 * 4


def test_it_says_how_long_that_took(document: dict[str, Any]) -> None:
    timings = document["timings"]
    assert timings["decode_steps"] == 6
    assert len(timings["prefill_ns"]) == len(timings["decode_ns"]) == 2
    assert min(*timings["prefill_ns"], *timings["decode_ns"], timings["load_ns"], timings["warmup_ns"]) > 0


def test_it_says_what_came_of_it(run: Run, document: dict[str, Any]) -> None:
    tokens, logits = run.measurement.tokens, run.measurement.logits
    results = document["results"]
    assert len(tokens) == 7
    assert results["tokens"] == list(tokens)
    assert results["tokens_sha256"] == hashlib.sha256(np.array(tokens, "<i4").tobytes()).hexdigest()
    assert results["logits"]["sha256"] == hashlib.sha256(logits.astype("<f4").tobytes()).hexdigest()
    assert [token for token, _ in results["logits"]["largest"]] == list(np.argsort(-logits, kind="stable")[:8])
    assert results["logits"]["sample"] == pytest.approx(list(logits[::8]))
    fresh = tiny().runner
    fresh.prefill(random_prompt(20, 512, 42))
    assert np.array_equal(fresh.logits(), logits)
    assert fresh.tokens(1)[0] == tokens[0]


def test_results_do_not_depend_on_repetitions_or_chunks(document: dict[str, Any]) -> None:
    chunked = run_document(finished(chunk=7))
    assert chunked["results"]["tokens_sha256"] == document["results"]["tokens_sha256"]
    assert chunked["workload"]["chunk"] == 7


def test_logits_that_are_no_numbers_are_null(run: Run) -> None:
    logits = np.full(512, np.nan, np.float32)
    broken = dataclasses.replace(run, measurement=dataclasses.replace(run.measurement, logits=logits))
    results = json.loads(json.dumps(run_document(broken), allow_nan=False))["results"]
    assert results["logits"]["sample"] == [None] * 64


def test_roles_are_of_a_whole_prompt_and_of_a_step_in_the_middle(document: dict[str, Any]) -> None:
    roles = {(role["phase"], role["role"]): role for role in document["roles"]}
    assert len(roles) == 16
    assert roles["prefill", "o_proj"]["operations"] == 2 * 2 * 20 * 128 * 128
    # Six steps see 21 to 26 positions.
    assert roles["decode", "attention"]["operations"] == 2 * 4 * 23 * 128


def test_it_says_where_it_ran(run: Run, document: dict[str, Any]) -> None:
    assert document["device"] == {"name": "CPU (NumPy reference)", "copy_bytes_per_s": None, "operations_per_s": None}
    own = {"engine": __version__, "python": platform.python_version(), "numpy": np.__version__}
    assert document["versions"] == own
    assert document["clocks"] is None
    assert document["products"] == []
    assert document["flags"] == ["run", "--record", "a.sqlite"]
    on_gpu = run_document(dataclasses.replace(run, device=DEVICE))
    assert on_gpu["device"] == {"name": "NVIDIA H200", "copy_bytes_per_s": 4.3e12, "operations_per_s": 7.8e14}
    assert on_gpu["versions"] == own | {
        "driver": "580.1", "cuda": "13.0", "nvrtc": "13.0.88", "cublas": "13.1", "cuda_core": "1.2.0"
    }  # fmt: skip
    assert on_gpu["clocks"]["power_limit_w"] == 700.0
    assert on_gpu["products"] == ["qkv_proj: 3"]


def test_a_commit_is_the_codes_own(tmp_path: Path) -> None:
    assert own_commit(tmp_path) is None
    commit = own_commit()
    # Tests may run from an archive.
    assert commit is None or len(commit.sha) == 40


def test_flags_keep_names_and_lose_folders() -> None:
    assert without_folders(["--model", "/a/b/c.gguf", "--weights=../x/y", "W1", "pp=1,tg=2", "--reps", "3"]) == [
        "--model", "c.gguf", "--weights=y", "W1", "pp=1,tg=2", "--reps", "3",
    ]  # fmt: skip
