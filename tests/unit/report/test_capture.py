from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.attribution.leaves import Reason
from workbench.report.capture import (
    REMEDIES,
    capture_json,
    coverage_json,
    coverage_sentences,
    phase_json,
    totals_json,
)
from workbench.report.terms import IDLE_NAMES

Analysed = Callable[[Export], Analysis]
Odd = Callable[[str], Analysis]
Real = Callable[[str], Analysis]


def sentences(analysis: Analysis) -> list[str]:
    return coverage_sentences(analysis.totals, analysis.coverage)


def test_coverage_is_said_first_and_what_would_raise_it(analysed: Analysed) -> None:
    export = Export()
    export.range("model.layers.0.mlp", 0, 100)
    export.launch("k", 10, 1000, 1750)
    export.launch("k", 200, 2000, 2250)
    assert sentences(analysed(export)) == [
        "75.0 % of 1.00 µs kernel time (2 kernels) is attributed to layers: 75.0 % by range.",
        "Not attributed, no_range: 250 ns in 1 kernel; to raise coverage, put NVTX ranges around the modules that "
        "launch these kernels.",
    ]


def test_ranges_and_kernel_names_are_told_apart(analysed: Analysed) -> None:
    export = Export()
    export.range("model.layers.0.mlp", 0, 100)
    export.launch("k", 10, 1000, 1750)
    export.launch("rms_norm_f32", 200, 2000, 2250, pid=8, tid=8)
    assert sentences(analysed(export)) == [
        "100.0 % of 1.00 µs kernel time (2 kernels) is attributed to layers: 75.0 % by range, 25.0 % by kernel name."
    ]


def test_hidden_graphs_are_named_with_the_flag_that_shows_them(odd: Odd) -> None:
    assert sentences(odd("hidden_graphs_only")) == [
        "0.0 % of 0 ns kernel time (0 kernels) is attributed to layers.",
        "Hidden, outside these sums: 3 graph launches of 1.80 µs, recorded without kernels; capture with "
        "`--cuda-graph-trace=node` to see them.",
    ]


def test_without_kernel_time_there_is_no_share(odd: Odd) -> None:
    assert sentences(odd("one_moment"))[0] == "0.0 % of 0 ns kernel time (1 kernel) is attributed to layers."


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ATTRIBUTED])
def test_every_reason_has_a_remedy(reason: Reason) -> None:
    assert REMEDIES[reason.label]


def test_the_capture_says_where_it_comes_from_and_what_it_lacks(analysed: Analysed) -> None:
    export = Export()
    export.launch("k", 0, 10, 20)
    info = analysed(export).trace.info
    found = capture_json(info, analysed(export).trace.devices)
    assert (found["nsys_version"], found["schema_version"]) == ("2025.3.2.0", "3.20.3")
    assert found["devices"] == [
        {
            "id": 0,
            "name": "Test GPU",
            "sm_count": 132,
            "memory_bandwidth_bytes_per_s": 4814304000000,
            "compute_capability": "9.0",
        }
    ]
    assert [lack["what"] for lack in found["lacks"]] == [
        "no table CUPTI_ACTIVITY_KIND_MEMCPY",
        "no table CUPTI_ACTIVITY_KIND_MEMSET",
        "no table NVTX_EVENTS",
    ]
    assert all(lack["cost"] for lack in found["lacks"])


def test_coverage_in_json_adds_up_to_the_total(real_capture: Analysis) -> None:
    totals, coverage = totals_json(real_capture.totals), coverage_json(real_capture.coverage)
    unattributed_ns = sum(entry["kernel_ns"] for entry in coverage["unattributed"])
    assert coverage["attributed_ns"] + unattributed_ns == totals["kernel_ns"]
    assert coverage["attributed_by_range_ns"] + coverage["attributed_by_kernel_name_ns"] == coverage["attributed_ns"]


def test_a_phase_in_json_is_busy_or_idle(real_capture: Analysis) -> None:
    for phase in real_capture.phases:
        found = phase_json(phase, real_capture.trace.pid(phase.process))
        assert found["wall_ns"] == found["busy_ns"] + sum(found["idle_ns"].values())
        assert found["idle_ns"].keys() == IDLE_NAMES.keys()
