from collections.abc import Sequence

import pytest

from tests.unit.compare.test_credit import gain, part
from workbench.compare.moved_parts import PartChange
from workbench.compare.promises import Promise, promises
from workbench.findings.finding import Gain


def made(met: dict[str, Gain], *parts: PartChange) -> tuple[Promise, ...]:
    """Promises of findings of a step whose parts are known."""
    return promises(met, parts, parts)


def numbers(found: Sequence[Promise]) -> list[tuple[str, ...]]:
    return [promise.numbers for promise in found]


def test_findings_of_the_same_layer_type_are_one_promise_though_their_gains_differ_a_little() -> None:
    (promise,) = made({"F1": gain(100, 338_185), "F2": gain(0, 338_161)}, part("mlp", -200, "F1", "F2"))
    assert (promise.numbers, promise.low_ns, promise.high_ns) == (("F1", "F2"), 100, 338_185)
    assert (promise.share, dict(promise.shares)) == (1, {"F1": 1, "F2": 1})


def test_findings_that_meet_by_way_of_a_third_are_one_promise() -> None:
    met = dict.fromkeys(("F1", "F2", "F3"), gain(0, 10))
    parts = [part("mlp", -30, "F1", "F3"), part("attention", -20, "F2", "F3")]
    assert numbers(made(met, *parts)) == [("F1", "F2", "F3")]


def test_waits_that_several_shorten_make_them_no_promise() -> None:
    met = {"F1": gain(0, 10), "F2": gain(0, 10)}
    waits = part("launch_starved", -100, "F1", "F2", is_idle=True)
    found = made(met, part("mlp", -30, "F1"), part("norm", -10, "F2"), waits)
    assert [(promise.numbers, promise.share) for promise in found] == [(("F1",), 0.75), (("F2",), 0.25)]


def test_findings_of_waits_alone_are_one_promise_by_their_waits() -> None:
    waits = part("launch_starved", -100, "F1", "F2", "F3", is_idle=True)
    found = made(dict.fromkeys(("F1", "F2", "F3"), gain(0, 10)), waits, part("mlp", -300, "F2"))
    assert [(promise.numbers, promise.share) for promise in found] == [(("F1", "F3"), 0.25), (("F2",), 0.75)]


def test_what_did_not_become_shorter_brought_nothing() -> None:
    found = made({"F1": gain(0, 900), "F2": gain(0, 10)}, part("mlp", 40, "F1"), part("norm", -10, "F2"))
    assert [promise.share for promise in found] == [0, 1]


def test_a_finding_that_speaks_of_some_parts_of_a_promise_has_what_those_changed() -> None:
    met = {"F1": gain(0, 10), "F2": gain(0, 10)}
    (promise,) = made(met, part("mlp", -150, "F1"), part("attention", -50, "F1", "F2"))
    assert dict(promise.shares) == {"F1": 1, "F2": 0.25}


@pytest.mark.parametrize("moved", [None, [part("mlp", 0, "F1"), part("norm", 5, "F2", "F3")]])
def test_where_no_work_is_known_to_be_shorter_the_change_is_shared_by_what_was_counted_on(
    moved: list[PartChange] | None,
) -> None:
    met = {"F1": gain(100, 100), "F2": gain(200, 600), "F3": gain(0, 400)}
    found = promises(met, [part("mlp", 0, "F1"), part("norm", 5, "F2", "F3")], moved)
    # Counted on: 100; 300, and once more 100 of the same.
    assert [(promise.numbers, promise.share) for promise in found] == [(("F1",), 0.25), (("F2", "F3"), 0.75)]


def test_what_nothing_was_counted_on_for_is_shared_evenly() -> None:
    assert [promise.share for promise in promises({"F1": gain(0, 0), "F2": gain(0, 0)}, (), None)] == [0.5, 0.5]


def test_nothing_met_is_no_promise() -> None:
    assert promises({}, (), None) == ()
