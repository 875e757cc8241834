"""Whole models on the GPU: against the reference, against themselves, against transformers, under the sanitizer."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.annotation import Ranges
from engine.assemble import Assembly, ModelFormats, assemble
from engine.backends.numpy_backend import NumpyOperations
from engine.config import ModelConfig
from engine.formats import BF16, FP16, FP32, Q8_0, WeightFormat
from engine.inspection import Counter, Stopped, counted
from engine.operations import Operations, Sampling
from engine.registry import known_model
from engine.runner import Limits, Runner, RunnerOptions, generate
from engine.variants import Variant

pytestmark = pytest.mark.gpu

FORMATS = [FP32, BF16, FP16, Q8_0]
PROMPT = [3, 141, 59, 26, 5, 358, 97, 93, 238, 46, 264, 338, 327, 95]
STEPS = 24


def make_ops(backend: str, variants: frozenset[Variant] = frozenset()) -> Operations:
    if backend == "numpy":
        return NumpyOperations()
    from engine.backends.cuda.operations import CudaOperations

    return CudaOperations(variants)


def make_runner(
    ops: Operations, config: ModelConfig, format_: WeightFormat, *, graphs: bool = True, chunk: int = 64
) -> Runner:
    formats = ModelFormats(format_, format_, format_)
    model = assemble(Assembly(ops, config, formats, None, 42), lambda done, total: None)
    cache_format = BF16 if format_ is BF16 else FP16
    options = RunnerOptions(Limits(256, chunk), cache_format, Sampling(), graphs)
    return Runner(ops, model, options, Ranges())


def answer(runner: Runner, *, warm: bool = True) -> tuple[list[int], Any]:
    if warm:
        runner.warm_up([len(PROMPT)])
    return list(generate(runner, PROMPT, STEPS, frozenset())), runner.logits()


@pytest.mark.parametrize("name", ["tiny-qwen3", "tiny-llama"])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_tokens_are_those_of_the_reference(name: str, format_: WeightFormat) -> None:
    config = known_model(name)
    expected, expected_logits = answer(make_runner(make_ops("numpy"), config, format_))
    tokens, logits = answer(make_runner(make_ops("cuda"), config, format_))
    assert tokens == expected
    assert np.linalg.norm(logits - expected_logits) <= 2e-2 * np.linalg.norm(expected_logits)


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_chunks_change_nothing_but_rounding(chunk: int) -> None:
    config = known_model("tiny-qwen3")
    expected, _ = answer(make_runner(make_ops("numpy"), config, FP16, chunk=chunk))
    tokens, _ = answer(make_runner(make_ops("cuda"), config, FP16, chunk=chunk))
    assert tokens == expected


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_graphs_change_no_bit(format_: WeightFormat) -> None:
    config = known_model("tiny-qwen3")
    results = [answer(make_runner(make_ops("cuda"), config, format_, graphs=graphs)) for graphs in (True, False)]
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("variant", [*Variant, None], ids=str)
def test_variants_change_no_bit(variant: Variant | None, graphs: bool) -> None:
    config, results = known_model("tiny-qwen3"), []
    # None: all of them at once.
    for variants in (frozenset[Variant](), frozenset(Variant) if variant is None else frozenset({variant})):
        results.append(answer(make_runner(make_ops("cuda", variants), config, Q8_0, graphs=graphs)))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_buffers_agree_after_every_operation(format_: WeightFormat) -> None:
    config = known_model("tiny-qwen3")
    runners = {backend: make_runner(make_ops(backend), config, format_, graphs=False) for backend in ("numpy", "cuda")}
    # The operations of the two differ where one fuses what the other does in two: the residual stream tells.
    adds = [read_hidden(runner, count) for runner in runners.values() for count in range(1, 2 * config.layers + 1)]
    for expected, got in zip(adds[: len(adds) // 2], adds[len(adds) // 2 :], strict=True):
        assert np.linalg.norm(got - expected) <= 2e-2 * np.linalg.norm(expected)


def read_hidden(runner: Runner, additions: int) -> Any:
    """The residual stream of a prompt once so much was added to it."""
    plain, roles = runner._ops, ("o_proj", "down_proj")
    for stop_after in range(1, 1000):
        counter = Counter([])
        runner._ops = counted(plain, counter, stop_after)
        try:
            runner.prefill(PROMPT)
        except Stopped:
            pass
        finally:
            runner._ops = plain
        if sum(site.role in roles for site in counter.sites) == additions:
            return plain.read(runner._work.hidden, len(PROMPT))
    raise AssertionError("there are fewer additions")


def test_a_prompt_as_long_as_the_context_is_read() -> None:
    config = known_model("tiny-llama")
    runner = make_runner(make_ops("cuda"), config, FP16, chunk=96)
    runner.warm_up([2])
    prompt = [int(token) for token in np.random.default_rng(5).integers(0, config.vocabulary, 250)]
    tokens = list(generate(runner, prompt, 6, frozenset()))
    reference = make_runner(make_ops("numpy"), config, FP16, chunk=96)
    assert tokens == list(generate(reference, prompt, 6, frozenset()))


def test_drawn_tokens_follow_from_the_seed() -> None:
    from dataclasses import replace

    config, results = known_model("tiny-qwen3"), []
    for backend in ("cuda", "cuda", "numpy"):
        runner = make_runner(make_ops(backend), config, FP32)
        runner.options = replace(runner.options, sampling=Sampling(0.8, 50, 0.95, 11))
        results.append(answer(runner)[0])
    assert results[0] == results[1] == results[2]


def test_logits_are_those_of_transformers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from engine.assemble import stored_formats
    from engine.weights.open import open_source

    shape = known_model("qwen3-0.6b")
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        vocab_size=shape.vocabulary,
        rms_norm_eps=shape.norm_epsilon,
        tie_word_embeddings=True,
        dtype=torch.bfloat16,
    )
    model = transformers.Qwen3ForCausalLM(config).to(torch.bfloat16).eval()
    model.save_pretrained(tmp_path)
    ids = [int(token) for token in np.random.default_rng(1).integers(0, shape.vocabulary, 200)]
    with torch.no_grad():
        expected = model.cuda()(torch.tensor([ids]).cuda()).logits[0].float().cpu().numpy()
    source = open_source(tmp_path)
    ops = make_ops("cuda")
    loaded = assemble(Assembly(ops, source.config, stored_formats(source), source, 0), lambda done, total: None)
    runner = Runner(ops, loaded, RunnerOptions(Limits(256, 128), BF16, Sampling(), True), Ranges())
    runner.prefill(ids)
    prefill = runner.logits()
    assert np.linalg.norm(prefill - expected[-1]) <= 2e-2 * np.linalg.norm(expected[-1])
    # The same position, read as a step of decode behind all others.
    runner.warm_up([2])
    runner.prefill(ids[:-1])
    runner.finish()
    ops.write(runner._state.token, np.array(ids[-1:], np.int32))
    runner.decode(0)
    decode = runner.logits()
    assert np.linalg.norm(decode - expected[-1]) <= 2e-2 * np.linalg.norm(expected[-1])


@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
@pytest.mark.parametrize("weights", ["fp16", "q8_0"])
@pytest.mark.parametrize("model", ["tiny-qwen3", "tiny-llama"])
def test_the_sanitizer_finds_nothing(tool: str, weights: str, model: str) -> None:
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("there is no compute-sanitizer in PATH")
    command = [
        sanitizer,
        "--tool",
        tool,
        "--report-api-errors",
        "no",
        "--error-exitcode",
        "9",
        sys.executable,
        "-m",
        "engine",
        "generate",
    ]
    # `run` measures a large product of the library's too, for which racecheck takes minutes.
    model_options = ["--model", model, "--weight-format", weights, "--backend", "cuda"]
    request = ["--prompt", "Once upon a time there was a profiler", "--max-tokens", "6", "--format", "json"]
    done = subprocess.run(
        [*command, *model_options, *request], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_memory_that_runs_out_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "run", "--model", "llama-3.1-8b", "--workload", "pp=64,tg=4"]
    done = subprocess.run(
        [*command, "--context", "3000000", "--backend", "cuda"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 2
    assert "memory" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_run_says_of_itself_is_complete(tmp_path: Path) -> None:
    import os

    document_path = tmp_path / "run.json"
    command = [sys.executable, "-m", "engine", "run", "--model", "tiny-qwen3", "--workload", "pp=33,tg=5"]
    environment = {**os.environ, "WB_WORKLOAD_MANIFEST": str(document_path)}
    subprocess.run([*command, "--backend", "cuda"], env=environment, check=True, timeout=600)
    document = json.loads(document_path.read_text())
    assert document["backend"] == "cuda"
    assert document["device"]["copy_bytes_per_s"] > 1e11
    for name in ("driver", "cuda", "nvrtc", "cublas", "cuda_core"):
        assert document["versions"][name]
        assert "unknown" not in document["versions"][name]
    assert document["memory"]["peak_bytes"] >= document["memory"]["weights_bytes"] > 0
