from dataclasses import replace

import pytest

from workbench.findings.calibration import Outcome, Realised, realised, unseen
from workbench.findings.finding import Gain, expected_ns


def an_outcome(**changes: object) -> Outcome:
    """A prediction of 100 to 500 ns off a step of 1000 ns, of which 150 came true."""
    outcome = Outcome(
        detector="fusable_pairs",
        phase="decode",
        claim="softmax always precedes cast.",
        target='pair("softmax", "cast").calls_per_step <= 0',
        before="slow",
        after="fast",
        finding="F3",
        model="qwen3-4b",
        gpu="NVIDIA H200",
        graphs=True,
        predicted_low_ns=100,
        predicted_high_ns=500,
        step_before_ns=1000,
        step_after_ns=850,
        is_met=True,
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
    return [an_outcome(finding=f"F{number}", realised_ns=ns) for number, ns in enumerate(realised_ns, 1)]


@pytest.mark.parametrize(
    ("credited", "found"),
    [
        ((150,), Realised(0.75, 0.75, 0.75, 1)),
        ((300, 100), Realised(1.0, 0.5, 1.5, 2)),
        ((200, -20, 40), Realised(0.2, -0.1, 1.0, 3)),
        ((200, None, 40), Realised(0.6, 0.2, 1.0, 2)),
    ],
)
def test_a_detectors_predictions_are_summed_up_by_the_median(credited: tuple[int | None, ...], found: Realised) -> None:
    assert realised(outcomes(*credited), "fusable_pairs") == found


def test_only_what_was_met_of_this_detector_counts() -> None:
    others = [
        an_outcome(finding="F7", is_met=False, realised_ns=None),
        an_outcome(finding="F8", detector="launch_bound", realised_ns=20),
    ]
    assert realised([*outcomes(200), *others], "fusable_pairs") == Realised(1.0, 1.0, 1.0, 1)
    assert realised(others, "fusable_pairs") is None


def test_what_was_verified_twice_counts_once_as_it_was_first() -> None:
    first, again = an_outcome(realised_ns=200), an_outcome(realised_ns=0)
    assert realised([first, again], "fusable_pairs") == Realised(1.0, 1.0, 1.0, 1)


@pytest.mark.parametrize("change", [{"before": "x"}, {"after": "x"}, {"finding": "x"}, {"detector": "x"}])
def test_captures_number_and_detector_tell_outcomes_apart(change: dict[str, str]) -> None:
    known, other = an_outcome(), an_outcome(**change)
    assert unseen([known], [an_outcome(realised_ns=1), other]) == (other,)


def test_new_outcomes_keep_their_order_and_come_once() -> None:
    first, second, third = outcomes(1, 2, 3)
    assert unseen([second], [third, first, replace(third, realised_ns=9)]) == (third, first)
