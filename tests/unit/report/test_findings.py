from collections.abc import Callable

import pytest

from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Evidence, Gain
from workbench.report.findings import (
    LONGEST_NAME,
    cell,
    entries,
    evidence_cells,
    gain_sentence,
    gain_short,
    heading,
    not_looked_for,
    speed,
    text_columns,
    verdict,
)

Document = Callable[[Analysis], FindingsDocument]
Odd = Callable[[str], Analysis]
GAIN = Gain(low_ns=100_000, high_ns=250_000, step_ns=1_000_000, steps=8, basis="a guess")


def test_a_gain_is_an_interval_of_time_and_of_the_step() -> None:
    assert gain_sentence(GAIN) == "100 µs to 250 µs off a step of 1.00 ms (10.0 % to 25.0 %)"
    assert gain_short(GAIN) == "10.0 % to 25.0 %"


def test_a_gain_that_cannot_be_said_is_no_number() -> None:
    assert gain_sentence(None) == "cannot be said: it makes other findings possible"
    assert gain_short(None) == "-"


def test_a_gain_of_a_step_without_length_is_no_division_by_zero() -> None:
    gain = Gain(low_ns=0, high_ns=0, step_ns=0, steps=1, basis="nothing")
    assert gain_sentence(gain) == "0 ns to 0 ns off a step of 0 ns (0.0 % to 0.0 %)"
    assert gain_short(gain) == "0.0 % to 0.0 %"


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
        assert entry.finding.is_minor == (gain is not None and gain.high_ns < gain.step_ns / 100)


def test_the_verdict_says_how_long_a_step_is_and_what_it_waits_for(odd: Odd, document: Document) -> None:
    assert verdict(document(odd("kernels_without_length"))) == [
        "A decode step takes 1.00 µs (the median of 4 steps); the GPU works for 0 ns of it (0.0 %), and 90.0 % is "
        "waiting for launches."
    ]


def test_the_verdict_names_processes_where_there_are_several(odd: Odd, document: Document) -> None:
    one, other = verdict(document(odd("several_processes")))
    assert one.startswith("A decode step of process 7 takes")
    assert other.startswith("A decode step of process 8 takes")


def test_a_step_without_length_has_no_speed(odd: Odd, document: Document) -> None:
    (profile,) = document(odd("one_moment")).profiles
    assert speed(profile) == "-"


def test_what_lacks_the_same_data_is_said_in_one_sentence(odd: Odd, document: Document) -> None:
    report = document(odd("without_ranges"))
    sentences = not_looked_for(report)
    assert len(sentences) == len(set(report.findings.lacking.values())) < len(report.findings.lacking)
    for detector in report.findings.lacking:
        assert sum(detector.replace("_", " ") in sentence.partition(":")[0] for sentence in sentences) == 1
