"""What differs between two measurements, and which way."""

from dataclasses import replace

import pytest

from tests.unit.gate.measured_models import MEMORY, measured, number
from workbench.gate.changes import Kind, changes
from workbench.gate.measured import MeasuredModel
from workbench.gate.spreads import spread_of


def kinds(old: MeasuredModel, new: MeasuredModel) -> dict[str, Kind]:
    return {one.name: one.kind for one in changes(old, new)}


def test_nothing_differs_from_itself() -> None:
    model = measured()
    found = changes(model, model)
    assert {one.kind for one in found} == {Kind.NONE}
    assert [one.name for one in found] == [*(one.name for one in model.numbers), *vars(MEMORY)]
    assert {one.change for one in found} == {0.0}


@pytest.mark.parametrize(("factor", "kind"), [(0.9, Kind.BETTER), (1.1, Kind.WORSE)])
def test_gains_are_told_from_losses(factor: float, kind: Kind) -> None:
    found = [one for one in changes(measured(), measured(factor=factor, seed=2)) if one.unit == "ns"]
    assert {one.kind for one in found} == {kind}
    for one in found:
        assert one.interval
        assert one.change == pytest.approx(factor - 1, abs=0.01)
        low, high = one.interval
        assert low < one.change < high
        assert (low > 0) == (high > 0) == (kind is Kind.WORSE)


def test_what_is_below_the_noise_is_no_difference() -> None:
    found = kinds(measured(noise=0.05), measured(noise=0.05, factor=1.01, seed=2))
    assert found["decode.128"] is Kind.NONE


def test_of_one_process_a_side_nothing_can_be_told() -> None:
    old, new = (measured(numbers=(number("decode.128", at),)) for at in (100_000_000, 150_000_000))
    (found, *_) = changes(old, new)
    assert (found.kind, found.interval) == (Kind.UNKNOWN, None)
    assert found.change == pytest.approx(0.5)


def test_memory_differs_by_any_byte() -> None:
    found = kinds(measured(), measured(memory=replace(MEMORY, peak_bytes=MEMORY.peak_bytes + 1, cache_bytes=1), seed=1))
    assert (found["peak_bytes"], found["cache_bytes"], found["weights_bytes"]) == (Kind.WORSE, Kind.BETTER, Kind.NONE)


def test_what_one_side_lacks_is_said_to_be_of_the_other() -> None:
    old = measured(numbers=(number("decode.128", 1e8, 1e8), number("prefill.128", 1e6, 1e6)), memory=None)
    new = measured(numbers=(number("decode.128", 1e8, 1e8), number("prefill.512", 9e6, 9e6)))
    found = kinds(old, new)
    assert found["prefill.128"] is Kind.REMOVED
    assert found["prefill.512"] is Kind.ADDED
    assert found["peak_bytes"] is Kind.ADDED
    assert all(one.change is None for one in changes(old, new) if one.kind in (Kind.ADDED, Kind.REMOVED))


def test_decode_that_fell_back_to_launches_is_another_bench() -> None:
    old = measured(numbers=(number("decode.128", 1e8, 1e8),), memory=None)
    new = measured(numbers=(number("decode.128", 2e8, 2e8, graphs=False),), memory=None)
    assert [one.kind for one in changes(old, new)] == [Kind.REMOVED, Kind.ADDED]


def test_spreads_are_those_of_hand_made_times() -> None:
    one = replace(number("decode.128", 1), samples_ns=((90, 100, 110), (180, 200, 220)))
    spread = spread_of(one)
    assert spread.within == pytest.approx(0.1)
    # 100 and 200 are 70.7 apart from their mean by standard deviation, of 150.
    assert spread.between == pytest.approx(70.71 / 150, rel=1e-3)
    alone = spread_of(replace(one, samples_ns=((100,),)))
    assert (alone.within, alone.between) == (None, None)
