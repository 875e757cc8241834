from dataclasses import replace
from typing import Any

import pytest

from workbench.findings.calibration import Outcome, Realised, latest, realised, unseen
from workbench.findings.finding import Gain, expected_ns


def an_outcome(**changes: object) -> Outcome:
    """A prediction of 100 to 500 ns off a step of 1000 ns, of which 150 came true."""
    outcome = Outcome(
        detector="fusable_pairs",
        phase="decode",
        process=7,
        claim="softmax always precedes cast.",
        target='pair("softmax", "cast").calls_per_step <= 0',
        before="slow",
        after="fast",
        finding="F3",
        found_in="c0ffee",
        captures=("c0ffee", "decade"),
        model="qwen3-4b",
        gpu="NVIDIA H200",
        graphs=True,
        predicted_low_ns=100,
        predicted_high_ns=500,
        step_before_ns=1000,
        step_after_ns=850,
        is_met=True,
        together=("F3",),
        met_together=1,
        realised_ns=150,
    )
    return replace(outcome, **changes)  # type: ignore[arg-type]


def test_a_ratio_is_what_came_true_over_what_was_counted_on() -> None:
    assert expected_ns(100, 500) == 200
    assert an_outcome().ratio == 0.75
    assert an_outcome(realised_ns=-100).ratio == -0.5


def test_what_is_expected_is_what_findings_are_ranked_by() -> None:
    assert Gain(100, 500, 1000, steps=8, basis="").expected_total_ns == 8 * expected_ns(100, 500)


def test_without_an_expectation_or_a_credit_there_is_no_ratio() -> None:
    assert an_outcome(predicted_low_ns=0, predicted_high_ns=0).ratio is None
    assert an_outcome(realised_ns=None).ratio is None


def outcomes(*realised_ns: int | None) -> list[Outcome]:
    return [an_outcome(found_in=f"{number}", realised_ns=ns) for number, ns in enumerate(realised_ns, 1)]


@pytest.mark.parametrize(
    ("credited", "found"),
    [
        ((150,), Realised(0.75, 0.75, 0.75, 1, 1)),
        ((300, 100), Realised(1.0, 0.5, 1.5, 2, 2)),
        ((200, -20, 40), Realised(0.2, -0.1, 1.0, 3, 3)),
        ((200, None, 40), Realised(0.6, 0.2, 1.0, 2, 2)),
    ],
)
def test_a_detectors_predictions_are_summed_up_by_the_median(credited: tuple[int | None, ...], found: Realised) -> None:
    assert realised(outcomes(*credited), "fusable_pairs") == found


def test_only_what_was_met_of_this_detector_counts() -> None:
    others = [
        an_outcome(found_in="7", is_met=False, realised_ns=None),
        an_outcome(found_in="8", detector="launch_bound", realised_ns=20),
    ]
    assert realised([*outcomes(200), *others], "fusable_pairs") == Realised(1.0, 1.0, 1.0, 1, 1)
    assert realised(others, "fusable_pairs") is None


def test_what_was_verified_twice_counts_once_as_it_was_first() -> None:
    first, again = an_outcome(realised_ns=200), an_outcome(realised_ns=0)
    assert realised([first, again], "fusable_pairs") == Realised(1.0, 1.0, 1.0, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"found_in": "x"},
        {"captures": ("c0ffee", "x")},
        {"detector": "x"},
        {"target": "step.wall_ns <= 1"},
        {"process": 8},
    ],
)
def test_content_target_process_and_detector_tell_outcomes_apart(change: dict[str, Any]) -> None:
    known, other = an_outcome(), an_outcome(**change)
    assert unseen([known], [an_outcome(realised_ns=1), other]) == (other,)


@pytest.mark.parametrize("change", [{"before": "x"}, {"after": "x"}, {"finding": "F1"}, {"claim": "x"}])
def test_names_and_numbers_make_no_other_outcome(change: dict[str, str]) -> None:
    assert unseen([an_outcome()], [an_outcome(**change)]) == ()


def test_what_was_verified_again_by_more_captures_counts_as_it_was_then() -> None:
    first, more = an_outcome(realised_ns=200), an_outcome(realised_ns=100, captures=("c0ffee", "decade", "facade"))
    other = an_outcome(realised_ns=40, captures=("c0ffee", "facade"))
    for known in ([first, more, other], [more, other, first]):
        assert latest(known) == (more,)
        assert realised(known, "fusable_pairs") == Realised(0.5, 0.5, 0.5, 1, 1)
    assert latest([first, other]) == (first, other)


def test_findings_of_one_promise_count_once_by_what_most_was_expected_of() -> None:
    both = {"together": ("F3", "F4"), "realised_ns": 100}
    small = an_outcome(finding="F4", target="step.wall_ns <= 1", predicted_low_ns=0, predicted_high_ns=40, **both)
    assert realised([small, an_outcome(**both)], "fusable_pairs") == Realised(0.5, 0.5, 0.5, 1, 1)
    elsewhere = an_outcome(detector="tiny_kernels", target="step.tiny_kernels <= 1", **both)
    assert realised([small, elsewhere], "fusable_pairs") == Realised(10, 10, 10, 1, 1)


def test_what_was_met_beside_other_promises_is_counted_apart() -> None:
    beside = an_outcome(found_in="other", met_together=2, realised_ns=100)
    assert realised([an_outcome(), beside], "fusable_pairs") == Realised(0.625, 0.5, 0.75, 2, 1)


def test_outcomes_of_another_gpu_do_not_count_where_both_are_known() -> None:
    found = [
        an_outcome(found_in="1", realised_ns=200),
        an_outcome(found_in="2", gpu="NVIDIA L4", realised_ns=20),
        an_outcome(found_in="3", gpu=None, realised_ns=100),
    ]
    assert realised(found, "fusable_pairs", "NVIDIA H200") == Realised(0.75, 0.5, 1.0, 2, 2)
    assert realised(found[:2], "fusable_pairs", "NVIDIA H200") == Realised(1.0, 1.0, 1.0, 1, 1, "NVIDIA H200")
    assert realised(found, "fusable_pairs") == Realised(0.5, 0.1, 1.0, 3, 3)
    assert realised(found[1:2], "fusable_pairs", "NVIDIA H200") is None


def test_new_outcomes_keep_their_order_and_come_once() -> None:
    first, second, third = outcomes(1, 2, 3)
    assert unseen([second], [third, first, replace(third, realised_ns=9)]) == (third, first)
