from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.exports import Export
from tests.unit.findings.programs import Program
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.compare.fingerprint import Fingerprint, fingerprint, merged, workload_text
from workbench.manifest import Commit, Device, Gpu, Manifest, Profiler
from workbench.recorders import ENGINE_CPU

Analysed = Callable[[Export], Analysis]

RUN: dict[str, Any] = {
    "schema": "engine.run/1",
    "model": {
        "name": "qwen3-4b",
        "architecture": "qwen3",
        "layers": 36,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "heads": 32,
        "kv_heads": 8,
        "head_dim": 128,
        "vocabulary": 151936,
        "parameters": 4022468096,
    },
    "weights": {
        "source": "synthetic, seed 42",
        "synthetic": True,
        "format": "q8_0",
        "embedding_format": "q8_0",
        "head_format": "bf16",
        "bytes": 4274448384,
    },
    "workload": {
        "prompt_tokens": 256,
        "decode_tokens": 48,
        "batch": 1,
        "temperature": 0.0,
        "seed": 42,
        "repetitions": 1,
        "chunk": 512,
        "context": 512,
        "cache_format": "fp16",
        "graphs": True,
        "variants": ["no-pdl", "copy-per-head"],
    },
    "versions": {"engine": "0.1.0", "python": "3.11.9", "driver": "570", "cuda": "12.9", "nvrtc": "13.0"},
    "clocks": {"sm_mhz": 1935, "memory_mhz": 3201, "sm_max_mhz": 1980, "memory_max_mhz": 3201, "power_limit_w": 650.5},
    "commit": {"sha": "ab" * 20, "dirty": False},
}


def steps(*, graph: bool = False, hidden: bool = False, phase: str = "decode") -> Program:
    """Four steps of two layers, launched kernel by kernel, from a graph's nodes, or hidden in a graph's row."""
    program = Program()
    if graph:
        with program.range("model.layers.0.mlp.down_proj"):
            program.node(1)
        with program.range("model.layers.1.mlp.down_proj"):
            program.node(2)
    for _ in range(4):
        with program.step(phase):
            if hidden:
                program.hidden_graph(5_000)
            elif graph:
                with program.graph_launch():
                    program.kernel("gemv", 2_000, node=1)
                    program.kernel("gemv", 2_000, node=2)
            else:
                for layer in range(2):
                    with program.range(f"model.layers.{layer}.mlp.down_proj"):
                        program.kernel("gemv", 2_000)
    return program


def of_engine(workload: dict[str, Any]) -> Manifest:
    return replace(a_manifest(), workload=workload)


@pytest.fixture
def analysis(analysed: Analysed) -> Analysis:
    return analysed(steps().export)


def test_what_the_engine_tells(analysis: Analysis) -> None:
    assert fingerprint(of_engine(RUN), analysis) == Fingerprint(
        recorder="nsys",
        program="engine",
        model="qwen3-4b",
        layers="36 layers",
        shape="architecture qwen3, hidden_size 2560, intermediate_size 9728, heads 32, kv_heads 8, head_dim 128, "
        "vocabulary 151936, parameters 4022468096",
        weights="q8_0 (head bf16)",
        weights_source="synthetic, seed 42",
        prompt_tokens="256",
        decode_tokens="48",
        batch="1",
        chunk="512",
        context="512",
        cache_format="fp16",
        temperature="0",
        seed="42",
        graphs="off",
        graphs_told="on",
        variant="copy-per-head, no-pdl",
        gpu="Test GPU",
        multiprocessors="132",
        driver="580.159",
        cuda="13.0",
        max_clocks="SM 1980 MHz, memory 3201 MHz",
        power_limit="700 W",
        clocks="SM 1935 MHz, memory 3201 MHz",
        nsys="2025.3.1.90",
        exporter="2025.3.2.0",
        tracing="--trace=cuda,nvtx",
        commit="ab" * 20,
        worktree="clean",
        host="Linux 6.8 x86_64",
        python="3.11.9",
        libraries="engine 0.1.0, nvrtc 13.0",
    )


def test_what_a_trace_alone_tells(analysis: Analysis) -> None:
    assert fingerprint(None, analysis) == Fingerprint(
        recorder="nsys", layers="2 layers", graphs="off", gpu="Test GPU", multiprocessors="132", exporter="2025.3.2.0"
    )


def test_what_another_program_tells_in_its_own_words(analysis: Analysis) -> None:
    said = {
        "program": " llama.cpp\n",
        "model": "Llama-3.2-3B",
        "weights": "Q8_0",
        "workload": "a prefill",
        "batch": 8,
        "prompt_tokens": "512",
        "seed": 1.5,
        "graphs": False,
        "variant": "flash",
    }
    found = fingerprint(of_engine(said), analysis)
    assert (found.program, found.program_name) == ("python run.py --token '***'", "llama.cpp")
    assert (found.model, found.layers, found.shape) == ("Llama-3.2-3B", "2 layers", None)
    assert (found.weights, found.weights_source) == ("q8_0", None)
    assert (found.workload, workload_text(found)) == ("a prefill", "prompt_tokens 512, batch 8, seed 1.5")
    assert (found.graphs_told, found.variant) == ("off", "flash")
    assert (found.commit, found.worktree) == ("41dd254c0ffee1234567890abcdefabcdef12345", "with changes")


@pytest.mark.parametrize(
    ("phrase", "weights", "source"),
    [
        ("random, bf16", "bf16", "random"),
        ("Qwen3-4B-Q4_K_M.gguf", "q4_k_m", "Qwen3-4B- .gguf"),
        ("of a checkpoint", None, "of a checkpoint"),
        ("NVFP4 (experts), BF16", "nvfp4 bf16", "experts"),
        ("mxfp4", "mxfp4", None),
        ("", None, None),
        (3, None, "3"),
    ],
)
def test_a_phrase_about_weights_has_a_format_and_a_rest(
    analysis: Analysis, phrase: Any, weights: str | None, source: str | None
) -> None:
    found = fingerprint(of_engine({"weights": phrase}), analysis)
    assert (found.weights, found.weights_source) == (weights, source)


@pytest.mark.parametrize("told", [True, False, None])
@pytest.mark.parametrize(
    ("program", "ran"),
    [
        (steps(), "off"),
        (steps(graph=True), "on"),
        (steps(hidden=True), "on"),
        (steps(phase="prefill"), "off"),
        (steps(phase="prefill", graph=True), "on"),
    ],
    ids=["eager", "nodes", "whole graphs", "an eager prefill", "a prefill from a graph"],
)
def test_graphs_are_what_ran_whatever_was_told(
    analysed: Analysed, program: Program, ran: str, told: bool | None
) -> None:
    found = fingerprint(of_engine({"graphs": told}), analysed(program.export))
    assert found.graphs == ran
    assert found.graphs_told == {True: "on", False: "off", None: None}[told]


def test_decode_tells_of_graphs_before_prefill_does(analysed: Analysed) -> None:
    program = steps(graph=True)
    for _ in range(4):
        with program.step("prefill"):
            program.kernel("gemm", 9_000)
    assert fingerprint(None, analysed(program.export)).graphs == "on"


def test_without_steps_the_program_is_believed(analysed: Analysed) -> None:
    program = Program()
    with program.range("load"):
        program.kernel("dequantize", 1_000)
    analysis = analysed(program.export)
    assert fingerprint(None, analysis).graphs is None
    assert fingerprint(of_engine({"graphs": True}), analysis).graphs == "on"


@pytest.mark.parametrize(
    ("program", "recorded"),
    [(steps(), None), (steps(graph=True), "nodes"), (steps(hidden=True), "whole graphs")],
    ids=["eager", "nodes", "whole graphs"],
)
def test_how_graphs_were_recorded(analysed: Analysed, program: Program, recorded: str | None) -> None:
    assert fingerprint(None, analysed(program.export)).graph_trace == recorded


def test_layers_known_from_kernel_names_are_not_counted(analysed: Analysed) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("flash_fwd_kernel", 2_000)
    assert fingerprint(None, analysed(program.export)).layers is None


def on_devices(*numbers: int) -> Export:
    program = Program()
    for number in numbers:
        with program.step():
            program.kernel("gemv", 2_000, device=number)
    return program.export


@pytest.mark.parametrize(
    ("listed", "numbers", "gpu"),
    [
        ((), (0, 0), "Test GPU"),
        ((), (0, 1), None),
        (("A",), (0, 1), "A and Test GPU"),
        (("A", "A", "A"), (1, 2), "2 x A"),
        (("A", "B"), (1, 2), None),
    ],
)
def test_gpus_that_worked_are_named_by_the_trace_or_the_manifest(
    analysed: Analysed, listed: tuple[str, ...], numbers: tuple[int, ...], gpu: str | None
) -> None:
    gpus = tuple(Gpu(name, None, None, None, None, None, None) for name in listed)
    manifest = replace(a_manifest(), device=Device(None, None, gpus))
    assert fingerprint(manifest, analysed(on_devices(*numbers))).gpu == gpu


def test_limits_are_told_where_all_gpus_have_the_same(analysis: Analysis) -> None:
    gpu = Gpu("A", 345, 2619, 1980, 2619, "P0", 700.0)
    for other, limits in (
        (gpu, ("SM 1980 MHz, memory 2619 MHz", "700 W")),
        (replace(gpu, sm_clock_mhz=1980), ("SM 1980 MHz, memory 2619 MHz", "700 W")),
        (replace(gpu, max_sm_clock_mhz=1755, power_limit_w=None), (None, None)),
    ):
        found = fingerprint(replace(a_manifest(), workload=None, device=Device("1", None, (gpu, other))), analysis)
        assert (found.max_clocks, found.power_limit) == limits


def test_the_engine_tells_what_the_machine_does_not(analysis: Analysis) -> None:
    found = fingerprint(replace(of_engine(RUN), device=None, host=None, nsys=None), analysis)
    assert (found.driver, found.cuda, found.python, found.nsys) == ("570", "12.9", "3.11.9", None)
    assert (found.max_clocks, found.power_limit) == ("SM 1980 MHz, memory 3201 MHz", "650.5 W")


def test_the_engine_has_a_commit_of_its_own_or_none(analysis: Analysis) -> None:
    started_in = replace(a_manifest(), commit=Commit("cd" * 20, dirty=True))
    for own, sha, worktree in ((RUN["commit"], "ab" * 20, "clean"), (None, None, None)):
        found = fingerprint(replace(started_in, workload={**RUN, "commit": own}), analysis)
        assert (found.commit, found.worktree) == (sha, worktree)


def test_a_capture_of_a_cpu_says_so(analysed: Analysed) -> None:
    program = Program(Export(recorder=ENGINE_CPU, sm_count=0))
    with program.step():
        program.kernel("numpy_gemv", 2_000)
    found = fingerprint(None, analysed(program.export))
    assert (found.recorder, found.exporter, found.multiprocessors) == (ENGINE_CPU, None, None)


def test_a_set_knows_what_any_of_its_captures_does() -> None:
    one, other = Fingerprint(model="m", graphs="on"), Fingerprint(graphs="on", gpu="A")
    assert merged([one, other, Fingerprint()]) == Fingerprint(model="m", graphs="on", gpu="A")
    assert merged([]) == Fingerprint()


def test_a_program_without_a_command_or_a_name_is_not_known(analysis: Analysis) -> None:
    manifest = replace(
        a_manifest(), program=replace(a_manifest().program, command=()), workload={}, nsys=Profiler("", ())
    )
    found = fingerprint(manifest, analysis)
    assert (found.program, found.program_name, found.nsys, found.tracing) == (None, None, None, None)
