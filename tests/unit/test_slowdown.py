from workbench.manifest import Slowdown, Speed
from workbench.slowdown import Verdict, compare, slowdown


def test_a_slowdown_is_a_median_over_a_median() -> None:
    before, after = Speed((190, 200, 210), (1_000, 1_001, 1_000), 10), Speed((300, 310, 320), (1_200,) * 4, 10)
    assert slowdown(before, after) == Slowdown(1.55, 1.2)


def test_fewer_than_three_runs_tell_nothing() -> None:
    assert compare((104_000,), (1_450,)).verdict is Verdict.TOO_FEW
    assert compare((100, 100, 100), (200, 200)).verdict is Verdict.TOO_FEW
    assert compare((100, 100, 100), (200, 200, 200)).verdict is Verdict.DIFFERENT
    assert slowdown(Speed((100,), (1_000,), 10), Speed((150,), (1_200,), 10)) is None


def test_a_difference_within_the_spread_tells_nothing() -> None:
    assert compare((100, 110, 120), (120, 125, 130)).verdict is Verdict.WITHIN_SPREAD
    assert slowdown(Speed((100, 110, 120), (1,) * 3, 1), Speed((125,) * 3, (2,) * 3, 1)) == Slowdown(None, 2.0)


def test_what_took_no_time_has_no_slowdown() -> None:
    assert slowdown(Speed((0,) * 3, (1,) * 3, 1), Speed((1,) * 3, (2,) * 3, 1)) == Slowdown(None, 2.0)


def test_speeds_that_are_unknown_or_of_other_work_cannot_be_compared() -> None:
    speed, longer = Speed((1,) * 3, (1,) * 3, 1), Speed((2,) * 3, (2,) * 3, 2)
    assert slowdown(None, speed) is None
    assert slowdown(speed, None) is None
    assert slowdown(speed, longer) is None
