from typing import Any

import pytest

from workbench.capture.speed import other_results, slowdown, speed_of
from workbench.manifest import Slowdown, Speed


def run(prefill_ns: Any = 100, decode_ns: Any = 1_000, steps: Any = 10) -> dict[str, Any]:
    """What a program says of one run."""
    return {"timings": {"prefill_ns": [prefill_ns], "decode_ns": [decode_ns], "decode_steps": steps}}


def test_the_times_of_all_runs_are_taken_together() -> None:
    assert speed_of([run(), run(120, 1_100)]) == Speed((100, 120), (1_000, 1_100), 10)


def test_runs_of_another_length_are_left_out() -> None:
    assert speed_of([run(), run(120, 9_000, 20)]) == Speed((100,), (1_000,), 10)


@pytest.mark.parametrize(
    "workload",
    [
        {},
        {"timings": None},
        {"timings": {"prefill_ns": [], "decode_ns": [], "decode_steps": 3}},
        {"timings": {"prefill_ns": 3, "decode_ns": [3], "decode_steps": 3}},
        run(prefill_ns=1.5),
        run(prefill_ns=-1),
        run(decode_ns=True),
        run(decode_ns=1 << 70),
        run(steps=0),
        run(steps=None),
    ],
)
def test_what_tells_no_speed(workload: dict[str, Any]) -> None:
    assert speed_of([workload]) is None


def test_a_slowdown_is_a_median_over_a_median() -> None:
    before, after = Speed((100, 200, 900), (1_000,), 10), Speed((300,), (1_100, 1_300), 10)
    assert slowdown(before, after) == Slowdown(1.5, 1.2)


def test_what_took_no_time_has_no_slowdown() -> None:
    assert slowdown(Speed((0,), (1,), 1), Speed((1,), (2,), 1)) == Slowdown(None, 2.0)


def test_speeds_that_are_unknown_or_of_other_work_cannot_be_compared() -> None:
    speed = Speed((1,), (1,), 1)
    assert slowdown(None, speed) is None
    assert slowdown(speed, None) is None
    assert slowdown(speed, Speed((1,), (1,), 2)) is None


def test_other_tokens_are_told() -> None:
    one, other = ({"results": {"tokens_sha256": text}} for text in ("a", "b"))
    assert other_results(one, [one, one]) == ""
    assert other_results(one, [{}]) == ""
    assert other_results(None, [one]) == ""
    assert other_results({"results": []}, [one]) == ""
    assert "tokens differ" in other_results(one, [one, other])
