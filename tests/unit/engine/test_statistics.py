import pytest

from engine.statistics import spread_of


def test_the_middle_and_half_the_distance_between_quartiles() -> None:
    found = spread_of([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (found.median, found.spread) == (3.0, 1.0)
    assert spread_of([7.0]).as_dict() == {"median": 7.0, "spread": 0.0}
    assert spread_of([1.0, 2.0]).median == pytest.approx(1.5)
