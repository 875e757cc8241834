from typing import Any

import pytest

from workbench.capture.speed import other_results, speed_of
from workbench.manifest import Speed


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


def test_other_tokens_are_told() -> None:
    one, other = ({"results": {"tokens_sha256": text}} for text in ("a", "b"))
    assert other_results(one, [one, one]) == ""
    assert other_results(one, [{}]) == ""
    assert other_results(None, [one]) == ""
    assert other_results({"results": []}, [one]) == ""
    assert "tokens differ" in other_results(one, [one, other])
