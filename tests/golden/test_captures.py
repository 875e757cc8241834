"""What the real captures must say, known from the programs that were recorded."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import kernel_rows
from workbench.analysis.phases import PhaseSummary
from workbench.attribution.leaves import Reason
from workbench.trace.model import NONE

Real = Callable[[str], Analysis]


def phase(analysis: Analysis, name: str) -> PhaseSummary:
    (found,) = [summary for summary in analysis.phases if summary.phase == name]
    return found


def test_transformers_eager(real: Real) -> None:
    analysis = real("hf_qwen3_eager")
    assert (phase(analysis, "prefill").steps, phase(analysis, "decode").steps) == (1, 8)
    assert phase(analysis, "decode").steps_source == "ranges"
    # 8 decode steps of 1618 kernels; weights are initialised outside every range.
    assert phase(analysis, "decode").kernels == 8 * 1618
    (reason,) = analysis.coverage.unattributed
    assert (reason.reason, reason.kernel_count) == (Reason.NO_RANGE, 635)


def test_transformers_under_a_graph(real: Real) -> None:
    analysis = real("hf_qwen3_graph")
    decode = phase(analysis, "decode")
    assert (decode.steps, decode.kernels, decode.graph_launches) == (24, 44_352, 24)
    by_layer = kernel_rows(analysis.attribution, ["layer_type", "layer"], phase="decode")
    attention = {row.keys["layer"]: row.count for row in by_layer if row.keys["layer_type"] == "attention"}
    assert set(attention) == {None, *range(28)}
    assert len({count for layer, count in attention.items() if layer is not None}) == 1


def test_cupy_steps_come_from_ranges_and_replays_are_other(real: Real) -> None:
    analysis = real("cupy_nodes")
    assert (phase(analysis, "decode").steps, phase(analysis, "decode").kernels) == (3, 24)
    assert phase(analysis, "other").graph_launches == 5


def test_graphs_recorded_as_rows_are_a_total_of_their_own(real: Real) -> None:
    analysis = real("cupy_graph_level")
    operations = analysis.trace.operations
    assert analysis.totals.kernel_count == 25
    assert analysis.totals.hidden_graph_count == 5
    assert analysis.totals.hidden_graph_ns == 43_168 + 43_104 + 43_071 + 43_072 + 43_136
    assert len(operations) == 25 + 3 + 5
    assert any("hide" in warning for warning in analysis.trace.info.warnings)


def test_the_engines_own_annotation(real: Real) -> None:
    analysis = real("engine_style")
    decode = phase(analysis, "decode")
    assert (decode.steps, decode.kernels, decode.steps_source) == (4, 24, "ranges")
    assert phase(analysis, "warmup").kernels == 6
    rows = kernel_rows(analysis.attribution, ["layer_type", "role", "layer"], phase="decode")
    assert {tuple(row.keys.values()): row.count for row in rows} == {
        (layer_type, role, layer): 4
        for layer_type, role in (("attention", "qkv_proj"), ("mlp", "gate_up_proj"))
        for layer in range(3)
    }


def test_llama_cpp_has_one_prefill_and_24_decode_steps(real: Real) -> None:
    """Told by graph launches alone: the bench's own warm-ups, launched kernel by kernel, are neither."""
    analysis = real("lc_llama3b_graphs")
    prefill, decode, other = (phase(analysis, name) for name in ("prefill", "decode", "other"))
    assert (prefill.steps, prefill.kernels) == (1, 866)
    assert (decode.steps, decode.kernels) == (24, 24 * 538)
    assert other.kernels == 866 + 538
    assert prefill.steps_source == decode.steps_source == "graph_launches"
    assert analysis.coverage.by == {"range": 0, "kernel_name": analysis.totals.kernel_ns}


def test_llama_cpp_layers_are_told_by_the_order_of_kernels(real: Real) -> None:
    attribution = real("lc_llama3b_graphs").attribution
    rows = kernel_rows(attribution, ["layer_type", "role", "layer"], phase="decode")
    counts = {(row.keys["layer_type"], row.keys["role"], row.keys["layer"]): row.count for row in rows}
    for layer in range(28):
        # Three products with the quantisation of their inputs, each in 24 steps.
        assert counts["attention", "qkv_proj", layer] == 24 * 6
        assert counts["mlp", "down_proj", layer] == 24 * 2
    assert counts["lm_head", "lm_head", None] == 24 * 2


def test_leaves_and_reasons_add_up(real_capture: Analysis) -> None:
    attribution = real_capture.attribution
    duration_ns = attribution.trace.operations.end_ns - attribution.trace.operations.start_ns
    has_leaf, has_reason = attribution.leaf != NONE, attribution.reason != Reason.ATTRIBUTED
    assert (has_leaf ^ has_reason).all()
    coverage = real_capture.coverage
    unattributed_ns = sum(entry.kernel_ns for entry in coverage.unattributed)
    assert coverage.attributed_ns + unattributed_ns == real_capture.totals.kernel_ns
    assert sum(coverage.by.values()) == coverage.attributed_ns
    assert duration_ns.sum() == (
        real_capture.totals.kernel_ns + real_capture.totals.memop_ns + real_capture.totals.hidden_graph_ns
    )


def test_wall_time_is_busy_and_idle_time_exactly(real_capture: Analysis) -> None:
    costs = real_capture.step_costs
    assert np.array_equal(costs.wall_ns, costs.busy_ns + costs.idle_ns.sum(axis=1))
    for summary in real_capture.phases:
        assert summary.wall_ns == summary.busy_ns + sum(summary.idle_ns.values())
    gaps = real_capture.gaps
    assert np.array_equal(gaps.end_ns - gaps.begin_ns, gaps.waited_ns.sum(axis=1))
    assert (gaps.waited_ns >= 0).all()


def test_steps_follow_each_other_without_a_hole(real: Real) -> None:
    steps = real("hf_qwen3_graph").attribution.placement.steps
    decode = steps.phase == steps.phase[-1]
    assert np.array_equal(steps.number[decode], np.arange(24))
    assert np.array_equal(steps.end_ns[decode][:-1], steps.begin_ns[decode][1:])


@pytest.mark.parametrize(
    ("capture", "reports"),
    [
        ("hf_qwen3_eager", {"decode_without_graphs", "launch_bound", "legacy_tensor_cores", "module_loading"}),
        ("hf_qwen3_graph", {"graph_gaps", "tiny_kernels", "unfused_roles", "small_projections", "fusable_pairs"}),
        ("lc_llama3b_graphs", {"small_copies", "synchronizations_in_steps", "concentration", "small_projections"}),
        ("cupy_graph_level", {"hidden_graphs"}),
    ],
)
def test_detectors_find_what_the_programs_do(real: Real, capture: str, reports: set[str]) -> None:
    from workbench.findings.find import find

    assert reports <= {finding.detector for finding in find(real(capture)).findings}


def test_the_gain_predicted_for_graphs_came_true(real: Real) -> None:
    """The same model was recorded without and with a graph; the prediction from the first must hold the second."""
    from workbench.findings.find import find

    eager, graph = real("hf_qwen3_eager"), real("hf_qwen3_graph")
    (finding,) = [entry for entry in find(eager).findings if entry.detector == "decode_without_graphs"]
    decode = graph.attribution.placement.steps.phase == 3
    came_ns = finding.gain.step_ns - float(np.median(graph.step_costs.wall_ns[decode]))
    assert finding.gain.low_ns <= came_ns <= finding.gain.high_ns
