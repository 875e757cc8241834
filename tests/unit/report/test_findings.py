from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.exports import Export
from tests.unit.findings.test_calibration import an_outcome
from workbench.analysis.analysis import Analysis
from workbench.findings.calibration import Realised
from workbench.findings.counterpart import Counterpart
from workbench.findings.document import FindingsDocument, compile_document, with_counterpart
from workbench.findings.finding import CallTime, Effort, Evidence, Finding, Gain
from workbench.findings.target import parse_target
from workbench.report.findings import (
    LONGEST_NAME,
    Entry,
    call_sentence,
    cell,
    entries,
    evidence_cells,
    gain_cells,
    gain_columns,
    gain_sentence,
    gain_short,
    heading,
    not_looked_for,
    nothing_found,
    prediction,
    speeds,
    target_words,
    text_columns,
    verdict,
)

Document = Callable[[Analysis], FindingsDocument]
Odd = Callable[[str], Analysis]
Analysed = Callable[[Export], Analysis]
GAIN = Gain(low_ns=100_000, high_ns=250_000, step_ns=1_000_000, steps=8, basis="a guess")


def test_a_gain_is_an_interval_of_time_and_of_the_step() -> None:
    assert gain_sentence(GAIN) == "100 µs to 250 µs off a step of 1.00 ms (10.0 % to 25.0 %)"
    assert gain_short(GAIN) == "10.0 % to 25.0 %"


def test_a_gain_that_cannot_be_said_is_no_number() -> None:
    assert gain_sentence(None) == "cannot be said: it makes other findings possible"
    assert gain_short(None) == "-"


def test_a_gain_that_is_one_value_is_no_interval() -> None:
    gain = replace(GAIN, low_ns=4_126, high_ns=4_130)
    assert gain_sentence(gain) == "4.13 µs off a step of 1.00 ms (0.4 %)"
    assert gain_short(gain) == "0.4 %"


def test_a_gain_of_the_mean_step_says_so() -> None:
    gain = replace(GAIN, of_mean_step=True)
    assert gain_sentence(gain) == "100 µs to 250 µs off the mean step of 1.00 ms (10.0 % to 25.0 %)"


@pytest.mark.parametrize("step_ns", [0, 1_000_000])
def test_no_gain_is_said_in_words_and_is_minor(step_ns: int) -> None:
    gain = Gain(low_ns=0, high_ns=0, step_ns=step_ns, steps=1, basis="nothing")
    assert gain_sentence(gain) == gain_short(gain) == "no gain predicted"
    assert an_entry("step.kernels <= 1", None, gain).finding.is_minor


def an_entry(target: str, measured: float | None, gain: Gain | None = GAIN) -> Entry:
    finding = Finding("decode", 7, "A claim.", (), "", "", gain, Effort.SMALL, "", parse_target(target))
    return Entry("F1", finding, measured)


def test_a_prediction_alone_is_a_gain() -> None:
    entry = an_entry("step.kernels <= 1", None)
    assert prediction(entry) == gain_sentence(GAIN)
    assert gain_cells(entry) == ["10.0 % to 25.0 %"]


OTHER = replace(GAIN, low_ns=2_000, high_ns=2_000, step_ns=500_000)


@pytest.mark.parametrize(
    ("other_graphs", "counterpart", "words", "short"),
    [
        (True, Counterpart(True, OTHER), "with graphs on: 2.00 µs off a step of 500 µs (0.4 %)", "0.4 %"),
        (False, Counterpart(True, OTHER), "with graphs off: 2.00 µs off a step of 500 µs (0.4 %)", "0.4 %"),
        (True, Counterpart(False, None), "does not arise with graphs on", "does not arise"),
        (True, None, "with graphs on: unknown, as that capture cannot tell", "unknown"),
        (
            True,
            Counterpart(True, None),
            "with graphs on: its target is unmet, too, but no finding there predicts the same gain",
            "-",
        ),
    ],
)
def test_a_prediction_is_of_both_modes_where_both_are_known(
    other_graphs: bool, counterpart: Counterpart | None, words: str, short: str
) -> None:
    entry = replace(an_entry("step.kernels <= 1", None), other_graphs=other_graphs, counterpart=counterpart)
    own = "off" if other_graphs else "on"
    assert prediction(entry) == f"with graphs {own}: {gain_sentence(GAIN)}; {words}"
    assert gain_cells(entry) == ["10.0 % to 25.0 %", short]


@pytest.mark.parametrize(
    ("realised", "words"),
    [
        (Realised(0.68, 0.4, 1.12, 6, 4), "0.7 times (0.4 to 1.1, n = 6, 4 of them alone)"),
        (Realised(0.71, 0.71, 0.71, 1, 0), "0.7 times (n = 1, not alone)"),
        (Realised(0.71, 0.69, 0.73, 3, 3, "NVIDIA\nH200"), "0.7 times (n = 3, all of them alone, on NVIDIA H200)"),
        (Realised(0.0, -0.2, 0.004, 2, 0), "0.0 times (-0.2 to 0.004, n = 2, none of them alone)"),
        (Realised(12.5, 2.0, 130.0, 2, 1), "12.5 times (2.0 to 130.0, n = 2, 1 of them alone)"),
    ],
)
def test_what_earlier_predictions_came_to_follows_the_gain(realised: Realised, words: str) -> None:
    entry = replace(an_entry("step.kernels <= 1", None), realised=realised)
    quoted = f"; predictions of this detector were realised at {words}"
    assert prediction(entry) == gain_sentence(GAIN) + quoted
    beside = replace(entry, other_graphs=True, counterpart=Counterpart(False, None))
    assert prediction(beside).endswith("; does not arise with graphs on" + quoted)


@pytest.mark.parametrize("gain", [None, replace(GAIN, low_ns=0, high_ns=0)])
def test_where_nothing_is_predicted_nothing_is_quoted(gain: Gain | None) -> None:
    entry = replace(an_entry("step.kernels <= 1", None, gain), realised=Realised(0.7, 0.4, 1.1, 6, 4))
    assert prediction(entry) == gain_sentence(gain)


def test_time_in_calls_is_told_apart_by_what_the_gpu_did() -> None:
    hidden = CallTime(steps=4, total_ns=88_000_000, critical_ns=4_000, hidden_ns=87_996_000)
    assert call_sentence(hidden) == (
        "22.0 ms a step: 1.00 µs on the critical path (the GPU was idle), 22.0 ms hidden behind its work"
    )
    outside = CallTime(steps=2, total_ns=3_000, critical_ns=0, hidden_ns=1_000)
    assert call_sentence(outside) == (
        "1.50 µs a step: 0 ns on the critical path (the GPU was idle), 500 ns hidden behind its work, 1.00 µs outside "
        "the steps"
    )
    assert call_sentence(CallTime(1, 9, 9, 0)) == "9 ns a step: 9 ns on the critical path (the GPU was idle)"


def test_entries_say_what_the_other_mode_and_earlier_predictions_say(
    real: Callable[[str], Analysis], document: Document
) -> None:
    eager, graph = real("hf_qwen3_eager"), real("hf_qwen3_graph")
    outcomes = [an_outcome(detector="launch_bound")]
    report = with_counterpart(compile_document(eager, outcomes), document(graph), graph)
    assert gain_columns(report) == ["gain with graphs off", "with graphs on"]
    assert gain_columns(document(eager)) == ["gain (of a step)"]
    found = entries(report)
    assert report.counterpart
    assert tuple(entry.counterpart for entry in found) == report.counterpart.of_findings
    assert {entry.finding.detector for entry in found if entry.realised} == {"launch_bound"}
    launch_bound = [entry for entry in found if entry.finding.detector == "launch_bound"]
    assert launch_bound[0].counterpart == Counterpart(arises=False, gain=None)


@pytest.mark.parametrize(
    ("target", "measured", "words"),
    [
        ("step.launch_starved_ns <= 5608268", 845_851.5, "at most 5.61 ms; now 846 µs"),
        ('kernel("gemv").mean_ns <= 1500', 2500, "at most 1.50 µs; now 2.50 µs"),
        ("memcpy_small.bytes_per_step <= 1000", 65_536, "at most 1.00 kB; now 65.5 kB"),
        ("memcpy_d2d.calls_per_step <= 16", 1856.5, "now 1 856.5"),
        ("step.graph_launches >= 1", 0, "now 0"),
        ("step.launches <= 9", None, ""),
        ("step.busy_ns >= 9", None, "at least 9 ns"),
    ],
)
def test_targets_say_in_words_what_they_ask_for_and_what_is_now(
    target: str, measured: float | None, words: str
) -> None:
    assert target_words(an_entry(target, measured)) == words


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("kernel", "gemv", "gemv"),
        ("kernel", "k" * 200, "k" * (LONGEST_NAME - 1) + "…"),
        ("kernel", "line\nbreak", "line break"),
        ("kernel", None, "-"),
        ("total_ns", 1_500, "1.50 µs"),
        ("mean_ns", 1.5, "1.50 ns"),
        ("share_of_phase", 0.25, "25.0 %"),
        ("bytes", 4096, "4.10 kB"),
        ("pageable", 1, "yes"),
        ("pageable", 0, "no"),
        ("calls", 12_345, "12 345"),
        ("calls_per_step", 2.5, "2.5"),
    ],
)
def test_cells_carry_the_unit_that_their_column_names(column: str, value: str | float | None, text: str) -> None:
    assert cell(column, value) == text


def test_headings_leave_out_the_unit() -> None:
    assert heading("total_ns") == "total"
    assert heading("calls_per_step") == "calls per step"


def test_evidence_knows_which_of_its_columns_hold_text() -> None:
    evidence = Evidence("t", ("layer_type", "kernel", "calls"), (("mlp", "gemv", 3), ("mlp", "norm", 4)), "SELECT 1")
    assert text_columns(evidence) == 2
    assert evidence_cells(evidence) == [["mlp", "gemv", "3"], ["mlp", "norm", "4"]]


def test_findings_are_numbered_in_their_order(real: Callable[[str], Analysis], document: Document) -> None:
    report = document(real("hf_qwen3_eager"))
    found = entries(report)
    assert [entry.number for entry in found[:3]] == ["F1", "F2", "F3"]
    assert [entry.finding for entry in found] == list(report.findings.findings)


def test_minor_findings_promise_less_than_a_percent(real_capture: Analysis, document: Document) -> None:
    for entry in entries(document(real_capture)):
        gain = entry.finding.gain
        assert entry.finding.is_minor == (gain is not None and (not gain.high_ns or gain.high_ns < gain.step_ns / 100))


def test_the_verdict_says_how_long_a_step_is_and_what_it_waits_for(odd: Odd, document: Document) -> None:
    assert verdict(document(odd("kernels_without_length"))) == [
        "A decode step takes 1.00 µs (the median of 4 steps); the GPU works for 0 ns of it (0.0 %), and 90.0 % is "
        "idle: waiting for launches."
    ]


def test_the_verdict_names_processes_where_there_are_several(odd: Odd, document: Document) -> None:
    one, other = verdict(document(odd("several_processes")))
    assert one.startswith("A decode step of process 7 takes")
    assert other.startswith("A decode step of process 8 takes")


def test_speed_is_what_was_observed_beside_what_the_median_step_would_make(analysed: Analysed) -> None:
    export = Export()
    for step, begin in enumerate((0, 1_000_000, 2_000_000, 3_000_000, 9_000_000)):
        export.range(f"decode_step {step}", begin, begin + 900)
        export.launch("gemv", begin + 10, begin + 100, begin + 200)
    assert speeds(compile_document(analysed(export))) == [
        "decode 556 steps/s (5 steps in 9.00 ms); the median step's 1.00 ms would make 1 000 steps/s"
    ]


def test_a_single_step_has_no_speed_nor_has_one_without_length(odd: Odd, document: Document) -> None:
    for name in ("many_layer_types", "one_moment"):
        report = document(odd(name))
        assert [profile.steps for profile in report.profiles] == [1]
        assert speeds(report) == []


def test_speeds_name_processes_where_there_are_several(odd: Odd, document: Document) -> None:
    one, other = speeds(document(odd("several_processes")))
    assert one.startswith("decode (pid 7) ")
    assert other.startswith("decode (pid 8) ")


def test_nothing_found_is_told_from_nothing_looked_for(odd: Odd, document: Document) -> None:
    report = document(odd("without_ranges"))
    found = replace(report.findings, findings=())
    for silent, lacking, sentence in (
        (("long_waits",), {}, "Nothing was found, of 1 thing looked for."),
        (("a", "b"), {"c": "no"}, "Nothing was found, of 2 things looked for; 1 more could not be looked for."),
        ((), {"c": "no"}, "Nothing could be looked for: this capture lacks what every detector needs."),
    ):
        findings = replace(found, silent=silent, lacking=lacking)
        assert nothing_found(replace(report, findings=findings)) == sentence


def test_what_lacks_the_same_data_is_said_in_one_sentence(odd: Odd, document: Document) -> None:
    report = document(odd("without_ranges"))
    sentences = not_looked_for(report)
    assert len(sentences) == len(set(report.findings.lacking.values())) < len(report.findings.lacking)
    for detector in report.findings.lacking:
        assert sum(detector.replace("_", " ") in sentence.partition(":")[0] for sentence in sentences) == 1
