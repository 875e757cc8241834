from collections.abc import Sequence

import numpy as np
import pytest

from workbench.compare.credit import Basis, Credit, Kept, StepChange, TargetResult, TargetState, credit, kept
from workbench.compare.estimate import Estimate, estimates
from workbench.compare.moved_parts import PartChange
from workbench.findings.finding import Gain
from workbench.findings.target import parse_target

TARGET = parse_target("memset.calls_per_step <= 2")


def gain(low_ns: int, high_ns: int, *, step_ns: int = 1_000, of_mean_step: bool = False) -> Gain:
    return Gain(low_ns, high_ns, step_ns, 8, "basis", of_mean_step)


def change(before: Sequence[float], after: Sequence[float]) -> StepChange:
    """A step of each capture before and after."""
    (estimate,) = estimates(np.array([before], np.float64).T, np.array([after], np.float64).T)
    return StepChange(estimate, tuple(estimate.before - value for value in after))


def changes(median_ns: float, mean_ns: float) -> dict[Basis, StepChange]:
    """Steps that became shorter by so much."""
    gains = {Basis.MEDIAN: median_ns, Basis.MEAN: mean_ns, Basis.EXCESS: mean_ns - median_ns}
    return {basis: change([1_000], [1_000 - gain_ns]) for basis, gain_ns in gains.items()}


@pytest.mark.parametrize(
    ("values", "state", "value"),
    [
        ((0, 1, 2), TargetState.MET, 1),
        ((0, 1, 3), TargetState.NOT_MET, 1),
        ((3, 4, 5), TargetState.NOT_MET, 4),
        ((0, None, 1), TargetState.UNKNOWN, 0.5),
        ((0, None, 3), TargetState.NOT_MET, 1.5),
        ((None,), TargetState.UNKNOWN, None),
    ],
)
def test_a_target_is_met_only_if_every_capture_meets_it(
    values: tuple[float | None, ...], state: TargetState, value: float | None
) -> None:
    result = TargetResult(TARGET, values, "")
    assert (result.state, result.value) == (state, value)


def test_captures_that_do_not_agree_are_told_apart() -> None:
    result = TargetResult(TARGET, (0, 1, 3), "")
    assert (result.met_in, result.is_split) == (2, True)
    assert not TargetResult(TARGET, (3, 4), "").is_split
    assert not TargetResult(TARGET, (0, None), "").is_split


@pytest.mark.parametrize(
    ("low_ns", "high_ns", "gain_ns", "outcome"),
    [
        (60, 90, 75, Kept.CAME_TRUE),
        (60, 90, 60, Kept.CAME_TRUE),
        (60, 90, 90, Kept.CAME_TRUE),
        (60, 90, 12, Kept.FELL_SHORT),
        (60, 90, -5, Kept.FELL_SHORT),
        (60, 90, 91, Kept.EXCEEDED),
        (0, 0, 0, Kept.CAME_TRUE),
        (0, 90, -1, Kept.FELL_SHORT),
    ],
)
def test_of_one_capture_a_side_the_gain_itself_decides(low_ns: int, high_ns: int, gain_ns: int, outcome: Kept) -> None:
    one = change([1_000], [1_000 - gain_ns])
    assert one.interval_ns is None
    assert kept(low_ns, high_ns, one) is outcome


def test_where_noise_is_known_a_promise_is_broken_only_beyond_it() -> None:
    sure = change([1_000, 1_001, 999], [940, 941, 939])
    interval = sure.interval_ns
    assert interval
    assert interval[0] == pytest.approx(60 - 2.27, abs=0.1)
    assert interval[1] == pytest.approx(60 + 2.27, abs=0.1)
    assert kept(61, 90, sure) is Kept.CAME_TRUE
    assert kept(65, 90, sure) is Kept.FELL_SHORT
    assert kept(0, 59, sure) is Kept.CAME_TRUE
    assert kept(0, 50, sure) is Kept.EXCEEDED


def test_a_change_that_may_be_none_keeps_no_promise() -> None:
    noisy = change([1_000, 1_100, 900], [960, 1_060, 860])
    assert noisy.is_within_noise
    assert kept(0, 90, noisy) is Kept.WITHIN_NOISE
    assert kept(30, 50, noisy) is Kept.WITHIN_NOISE
    assert kept(800, 900, noisy) is Kept.FELL_SHORT
    assert not change([1_000], [960]).is_within_noise


def test_a_single_finding_has_the_whole_change() -> None:
    (only,) = credit({"F2": gain(60, 90)}, changes(12, 40), {}).values()
    assert (only.realised_ns, only.share, only.together) == (12, 1, ("F2",))
    assert (only.low_ns, only.high_ns, only.kept, only.basis) == (60, 90, Kept.FELL_SHORT, Basis.MEDIAN)


def test_what_falls_on_few_steps_is_held_against_the_mean_step() -> None:
    (only,) = credit({"F2": gain(0, 90, of_mean_step=True)}, changes(0, 40), {}).values()
    assert (only.realised_ns, only.basis, only.kept) == (40, Basis.MEAN, Kept.CAME_TRUE)


def part(label: str, difference: float, *spoken_of_by: str, is_idle: bool = False) -> PartChange:
    """A part of a step that changed by so much."""
    (estimate,) = estimates(np.array([[1_000.0]]), np.array([[1_000.0 + difference]]))
    return PartChange(label, is_idle, estimate, None, spoken_of_by)


def test_one_promise_that_is_claimed_several_times_has_the_whole_change_each_time() -> None:
    parts = {Basis.MEDIAN: [part("mlp", -200, "F1", "F2", "F4")]}
    found = credit({"F1": gain(100, 100), "F2": gain(0, 401), "F4": gain(50, 400)}, changes(200, 200), parts)
    assert [one.realised_ns for one in found.values()] == [200, 200, 200]
    for one in found.values():
        assert (one.together, one.low_ns, one.high_ns, one.kept) == (("F1", "F2", "F4"), 100, 401, Kept.CAME_TRUE)
        assert (one.promise_ns, one.is_shared) == (200, False)


def test_promises_of_other_work_share_the_change_and_are_judged_by_their_part() -> None:
    parts = {Basis.MEDIAN: [part("mlp", -150, "F1"), part("norm", -50, "F2")]}
    found = credit({"F1": gain(160, 170), "F2": gain(160, 170)}, changes(200, 200), parts)
    assert [(one.realised_ns, one.kept, one.is_shared) for one in found.values()] == [
        (150, Kept.FELL_SHORT, True),
        (50, Kept.FELL_SHORT, True),
    ]


def test_beside_findings_of_every_step_those_of_few_have_what_the_mean_changed_beyond_the_median() -> None:
    found = credit({"F1": gain(100, 200), "F2": gain(0, 400, of_mean_step=True)}, changes(150, 450), {})
    assert (found["F1"].realised_ns, found["F1"].together, found["F1"].basis) == (150, ("F1",), Basis.MEDIAN)
    assert (found["F2"].realised_ns, found["F2"].together, found["F2"].basis) == (300, ("F2",), Basis.EXCESS)


def test_nothing_met_is_nothing_credited() -> None:
    assert credit({}, changes(10, 10), {}) == {}


def test_several_captures_tell_a_spread_and_an_interval_of_the_share() -> None:
    one = Credit(change([1_000], [940, 950, 930]), Basis.MEDIAN, 0.5, ("F1", "F2"), 1, 0, 100, Kept.CAME_TRUE)
    assert (one.realised_ns, one.promise_ns) == (30, 60)
    assert one.spread_ns == (25, 35)
    assert one.interval_ns
    assert one.interval_ns == pytest.approx((30 - 24.84, 30 + 24.84), abs=0.01)
    assert Credit(change([1_000], [940]), Basis.MEDIAN, 1, ("F1",), 1, 0, 100, Kept.CAME_TRUE).spread_ns is None


@pytest.mark.parametrize(
    ("low_gain_ns", "high_gain_ns", "is_told"), [(-10, 30, True), (-300, 400, False), (50, 90, True)]
)
def test_a_gain_is_told_unless_it_is_lost_in_noise_wider_than_the_promise(
    low_gain_ns: float, high_gain_ns: float, is_told: bool
) -> None:
    middle = (low_gain_ns + high_gain_ns) / 2
    estimate = Estimate(1000, 1000 - middle, -middle, (-high_gain_ns, -low_gain_ns), 0.5, 1.0, 1.0)
    change = StepChange(estimate, (middle,))
    (found,) = credit({"F1": Gain(0, 100, 1000, 8, "")}, dict.fromkeys(Basis, change), {}).values()
    assert found.is_told is is_told
