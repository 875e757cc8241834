"""What captures tell of decode steps: of small programs that can be added up by hand, and of real ones."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.conftest import PROFILES
from tests.exports import Export
from tests.unit.findings.programs import D2H, DEVICE, H2D, PAGEABLE, PINNED, Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.attribution.attribution import attribute
from workbench.attribution.rule_files import load_rules
from workbench.errors import UserError
from workbench.gate.facts import busy_ns, idle_ns, step_facts
from workbench.gate.measured import StepFacts
from workbench.trace.open import open_trace

Analysed = Callable[[Export], Analysis]
STEPS = 4


def facts_of(analysis: Analysis) -> StepFacts:
    return step_facts(analysis, profiled_ns=None, unprofiled_ns=None)


@cache
def engine_facts(folder: str, number: int = 1) -> StepFacts:
    """Facts of a capture that the engine's runs left in profiles/."""
    path = PROFILES / folder / f"capture-{number}.sqlite.zst"
    return facts_of(Analysis(attribute(open_trace(path), load_rules())))


def stepping(work: Callable[[Program], None], *, wait_ns: int = 0) -> Export:
    """Decode steps of a product and of what is to be done beside it; the GPU may wait before each."""
    program = Program()
    for _ in range(STEPS):
        with program.step():
            with program.range("model.layers.0.mlp"):
                program.kernel("gemv", 100_000, wait_ns=wait_ns)
            work(program)
    return program.export


def nothing(_: Program) -> None:
    """No more than the product."""


def test_parts_are_layer_types_copies_and_waits_and_add_up(analysed: Analysed) -> None:
    def work(program: Program) -> None:
        with program.range("model.layers.0.self_attn"):
            program.kernel("flash_fwd", 50_000, wait_ns=1_000)
        program.copy(H2D, 64, 2_000)

    facts = facts_of(analysed(stepping(work)))
    assert {(part.label, part.is_idle): part.time_ns for part in facts.parts} == {
        ("mlp", False): 100_000,
        ("attention", False): 50_000,
        ("copies and memsets", False): 2_000,
        ("queued", True): 1_000,
    }
    assert facts.wall_ns == 153_000
    assert (facts.steps, facts.kernels, facts.launches, facts.graphs) == (STEPS, 2, 2, False)
    assert (busy_ns(facts), idle_ns(facts, IdleKind.QUEUED), idle_ns(facts, IdleKind.LAUNCH)) == (152_000, 1_000, 0)


def test_times_of_the_program_are_kept(analysed: Analysed) -> None:
    facts = step_facts(analysed(stepping(nothing)), profiled_ns=1.5, unprofiled_ns=1.25)
    assert (facts.profiled_ns, facts.unprofiled_ns) == (1.5, 1.25)


def test_calls_that_break_captures_or_stall_the_host_are_counted_by_name(analysed: Analysed) -> None:
    def work(program: Program) -> None:
        for name in ("cudaMalloc_v3020", "cudaFree_v3020", "cuModuleLoadData", "cudaStreamBeginCapture_v10000"):
            program.call(name)
        program.synchronize()
        program.synchronize()
        program.copy(D2H, 4, 1_000, wait_ns=1_000, blocking=True, destination=PAGEABLE, source=DEVICE)

    # A blocking copy is told by its name, be its memory pageable or not.
    assert dict(facts_of(analysed(stepping(work, wait_ns=1_000))).breaking_calls) == {
        "cudaStreamSynchronize": 2,
        "cudaMalloc": 1,
        "cudaFree": 1,
        "cuModuleLoadData": 1,
        "cudaStreamBeginCapture": 1,
        "cudaMemcpy": 1,
    }


def test_pageable_copies_are_told_from_those_of_pinned_memory(analysed: Analysed) -> None:
    def work(program: Program) -> None:
        program.copy(H2D, 4, 1_000, source=PAGEABLE)
        program.copy(D2H, 4, 1_000, source=DEVICE, destination=PAGEABLE)
        program.copy(H2D, 4, 1_000, source=PINNED)

    assert facts_of(analysed(stepping(work))).breaking_calls == (("cudaMemcpyAsync (pageable)", 2),)


def test_calls_behind_a_steps_range_are_not_its_own(analysed: Analysed) -> None:
    program = Program()
    for _ in range(STEPS):
        with program.step():
            program.kernel("gemv", 100_000, wait_ns=1_000)
        program.synchronize()
        program.call("cudaMalloc_v3020")
    assert facts_of(analysed(program.export)).breaking_calls == ()


def test_a_call_in_one_step_of_several_counts_as_its_part(analysed: Analysed) -> None:
    program = Program()
    for step in range(STEPS):
        with program.step():
            program.kernel("gemv", 100_000)
            if step == 1:
                program.call("cudaMalloc_v3020")
    assert facts_of(analysed(program.export)).breaking_calls == (("cudaMalloc", 1 / STEPS),)


@pytest.mark.parametrize(("launched", "graphs"), [(0, True), (1, True), (2, False), (STEPS, False)])
def test_steps_are_in_graphs_if_all_but_the_first_are(analysed: Analysed, launched: int, graphs: bool) -> None:
    program = Program()
    program.node(1)
    program.node(2)
    for step in range(STEPS):
        with program.step():
            if step < launched:
                program.kernel("gemv", 100_000)
                program.kernel("flash_fwd", 100_000)
            else:
                with program.graph_launch():
                    program.kernel("gemv", 100_000, node=1)
                    program.kernel("flash_fwd", 100_000, node=2)
    assert facts_of(analysed(program.export)).graphs is graphs


def test_one_node_among_single_launches_makes_no_step_in_graphs(analysed: Analysed) -> None:
    program = Program()
    program.node(1)
    for _ in range(STEPS):
        with program.step():
            with program.graph_launch():
                program.kernel("gemv", 100_000, node=1)
            program.kernel("flash_fwd", 100_000)
    assert not facts_of(analysed(program.export)).graphs


def test_graphs_that_hide_their_kernels_are_graphs(analysed: Analysed) -> None:
    facts = facts_of(analysed(stepping(lambda program: program.hidden_graph(50_000))))
    assert facts.graphs
    assert ("hidden in graphs", 50_000) in [(part.label, part.time_ns) for part in facts.parts]


def test_a_capture_without_decode_steps_is_refused(analysed: Analysed) -> None:
    program = Program()
    with program.step("prefill"):
        program.kernel("gemm", 100_000)
    with pytest.raises(UserError, match="has no decode step"):
        facts_of(analysed(program.export))


@pytest.mark.parametrize(
    ("capture", "graphs", "calls"),
    [
        ("hf_qwen3_eager", False, {"cuLibraryLoadData": 14, "cudaMalloc": 3}),
        ("hf_qwen3_graph", True, {}),
        ("engine_style", True, {}),
        ("cupy_graph_level", False, {"cuModuleLoadData": 1}),
    ],
)
def test_real_captures(real: Callable[[str], Analysis], capture: str, graphs: bool, calls: dict[str, int]) -> None:
    facts = facts_of(real(capture))
    assert facts.graphs is graphs
    assert {name: number * facts.steps for name, number in facts.breaking_calls} == pytest.approx(calls)


def test_a_program_that_waits_for_its_copies_and_captures_once_says_so(real: Callable[[str], Analysis]) -> None:
    facts = facts_of(real("lc_llama3b_graphs"))
    calls = dict(facts.breaking_calls)
    assert facts.graphs
    assert calls["cudaStreamSynchronize"] == 12
    assert calls["cudaGraphInstantiate"] == pytest.approx(1 / facts.steps)


def test_parts_of_real_captures_add_up_to_the_step(real_capture: Analysis) -> None:
    facts = facts_of(real_capture)
    assert sum(part.time_ns for part in facts.parts) == pytest.approx(facts.wall_ns, abs=0.01)


@pytest.mark.parametrize("graphs", ["on", "off"])
def test_a_healthy_engine_makes_no_such_call(graphs: str) -> None:
    facts = engine_facts(f"qwen3-4b-pp256-tg48-graphs-{graphs}-2026-11-21")
    assert facts.breaking_calls == ()
    assert facts.graphs is (graphs == "on")
    assert (facts.kernels, facts.launches) == (183, 1 if graphs == "on" else 183)
