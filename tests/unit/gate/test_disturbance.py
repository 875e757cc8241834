"""Whether the machine was slower at one of several runs."""

import pytest

from workbench.gate.disturbance import disturbances
from workbench.gate.measured import Conditions

GOOD = Conditions(1980, 1980, 420.0, 700.0, "P0", (), 0)


def of(*runs: Conditions) -> list[str]:
    return list(disturbances(runs))


def test_machines_in_one_state_disturb_nothing() -> None:
    assert of() == []
    assert of(GOOD, GOOD, Conditions()) == ["", "", ""]
    capped = Conditions(1400, 1980, 400.0, 400.0, "P0", ("sw_power_cap",), 0)
    assert of(capped, capped) == ["", ""]


@pytest.mark.parametrize(
    ("odd", "clause"),
    [
        (Conditions(sm_clock_mhz=1200), "the GPU ran at 1200 MHz, where it reached 1980 MHz at another commit"),
        (Conditions(throttle_reasons=("hw_thermal_slowdown",)), "clocks were held down (hw thermal slowdown)"),
        (Conditions(power_limit_w=350.0), "the power limit was 350 W, where it was 700 W at another commit"),
        (Conditions(other_processes=1), "1 other process used the GPU"),
        (Conditions(other_processes=3), "3 other processes used the GPU"),
    ],
)
def test_what_is_odd_at_one_run_is_named(odd: Conditions, clause: str) -> None:
    assert of(GOOD, odd, GOOD) == ["", clause, ""]


def test_a_power_cap_at_the_others_clocks_is_none() -> None:
    capped = Conditions(1950, 1980, 690.0, 700.0, "P0", ("sw_power_cap",), 0)
    assert of(GOOD, capped) == ["", ""]


def test_other_processes_disturb_though_all_had_them() -> None:
    shared = Conditions(other_processes=1)
    assert of(shared, shared) == ["1 other process used the GPU"] * 2
