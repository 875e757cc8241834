from dataclasses import replace
from typing import Any

import pytest

from tests.unit.gate.measured_models import CONDITIONS, FINGERPRINT, measured
from workbench.compare.fingerprint import Fingerprint
from workbench.errors import UserError
from workbench.gate.comparable import concerns_times_alone, judge
from workbench.gate.measured import Conditions
from workbench.gate.verdict import GateResult, Status


def fingerprints(**now: Any) -> GateResult:
    return judge(measured(), measured(fingerprint=replace(FINGERPRINT, **now)))


def conditions(**now: Any) -> GateResult:
    return judge(measured(), measured(conditions=replace(CONDITIONS, **now)))


def refused(found: GateResult) -> list[str]:
    assert (found.status is Status.UNDECIDED) == any(line.status is Status.UNDECIDED for line in found.lines)
    return [line.name for line in found.lines if line.status is Status.UNDECIDED]


def test_the_same_thing_on_the_same_machine_may_be_compared() -> None:
    found = judge(measured(), measured())
    assert (found.status, found.sentence, found.lines) == (Status.PASSED, "The same, on the same machine.", ())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("gpu", "NVIDIA H100", "Another GPU: NVIDIA H200 in the baseline, NVIDIA H100 now."),
        ("weights", "bf16", "Another format of weights: q8_0 in the baseline, bf16 now."),
        ("driver", "570.1", "Another driver"),
        ("max_clocks", "SM 1200 MHz, memory 3201 MHz", "Another clock limit"),
        ("variant", "no-pdl", "Another variant"),
        ("program", "python run.py", "Another program"),
    ],
)
def test_another_machine_or_program_is_refused_by_name(field: str, value: str, said: str) -> None:
    found = fingerprints(**{field: value})
    assert refused(found) == [field]
    assert found.sentence.startswith(said)


def test_another_commit_is_what_is_under_test() -> None:
    found = fingerprints(commit="b" * 40)
    assert found.status is Status.PASSED
    assert "Under test" in found.lines[0].sentence


def test_lost_graphs_are_left_to_their_own_gate() -> None:
    assert fingerprints(graphs="off").status is Status.PASSED


def test_more_may_be_declared_to_be_under_test() -> None:
    other = measured(fingerprint=replace(FINGERPRINT, variant="no-pdl"))
    assert judge(measured(), other, ("commit", "variant")).status is Status.PASSED
    with pytest.raises(UserError, match="no factor"):
        judge(measured(), other, ("weather",))


def test_what_is_worth_a_word_is_said_and_passes() -> None:
    known = measured(fingerprint=replace(FINGERPRINT, worktree="clean"))
    found = judge(known, measured(fingerprint=replace(FINGERPRINT, worktree="with changes")))
    assert found.status is Status.PASSED
    assert "state of the worktree" in found.lines[0].sentence


def test_an_unknown_gpu_is_comparable_with_none() -> None:
    imported = measured(fingerprint=Fingerprint(model="qwen3-4b"), conditions=Conditions())
    found = judge(imported, measured())
    assert refused(found) == ["gpu"]
    assert "The GPU of the baseline is not known." in found.sentence
    assert refused(judge(measured(), imported)) == ["gpu"]
    named = replace(imported, fingerprint=Fingerprint(model="qwen3-4b", gpu="NVIDIA H200"))
    assert judge(named, measured()).status is Status.PASSED
    assert "not known of both sides: " in judge(named, measured()).sentence
    assert judge(imported, imported).status is Status.PASSED


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sm_clock_mhz", 1500, "The GPU ran at 1500 MHz, where it ran at 1980 MHz in the baseline."),
        ("throttle_reasons", ("sw_thermal_slowdown",), "Clocks were held down now: sw thermal slowdown."),
        ("throttle_reasons", ("HW Slowdown", "gpu_idle"), "Clocks were held down now: hw slowdown."),
        ("power_limit_w", 500.0, "The power limit is 500 W, where it was 700 W in the baseline."),
        ("other_processes", 1, "1 other process used the GPU now."),
        ("other_processes", 2, "2 other processes used the GPU now."),
    ],
)
def test_a_depressed_machine_is_named(field: str, value: Any, said: str) -> None:
    found = conditions(**{field: value})
    assert len(refused(found)) == 1
    assert found.sentence == said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sm_clock_mhz", 1905),
        ("sm_clock_mhz", None),
        ("throttle_reasons", ("gpu_idle",)),
        ("throttle_reasons", ("None",)),
        ("throttle_reasons", ("sw_power_cap",)),
        ("power_limit_w", 700.4),
        ("power_limit_w", None),
        ("other_processes", None),
        ("performance_state", "P2"),
    ],
)
def test_a_machine_that_is_well_is_left_alone(field: str, value: Any) -> None:
    assert conditions(**{field: value}).status is Status.PASSED


def test_a_power_cap_counts_where_clocks_are_lower_or_unknown() -> None:
    assert refused(conditions(throttle_reasons=("sw_power_cap",), sm_clock_mhz=1600)) == [
        "sm_clock",
        "throttle_reasons",
    ]
    assert refused(conditions(throttle_reasons=("sw_power_cap",), sm_clock_mhz=None)) == ["throttle_reasons"]


def test_a_machine_that_always_is_so_may_be_compared_with_itself() -> None:
    """Clocks locked by its owner, at a power cap."""
    slow = measured(
        conditions=replace(CONDITIONS, sm_clock_mhz=1200, throttle_reasons=("applications_clocks_setting",))
    )
    assert judge(slow, slow).status is Status.PASSED


def test_a_depressed_baseline_counts_too() -> None:
    for depressed, said in (
        (replace(CONDITIONS, other_processes=1), "1 other process used the GPU in the baseline."),
        (replace(CONDITIONS, throttle_reasons=("hw_slowdown",)), "Clocks were held down in the baseline: hw slowdown."),
        (replace(CONDITIONS, sm_clock_mhz=1500), "ran at 1500 MHz in the baseline."),
    ):
        found = judge(measured(conditions=depressed), measured())
        assert found.status is Status.UNDECIDED
        assert said in found.sentence


def test_without_a_baselines_clock_the_highest_is_the_measure() -> None:
    unknown = measured(conditions=Conditions())
    found = judge(unknown, measured(conditions=replace(CONDITIONS, sm_clock_mhz=1000)))
    assert found.sentence == "The GPU ran at 1000 MHz under load, of 1980 MHz."
    assert judge(unknown, measured(conditions=replace(CONDITIONS, sm_clock_mhz=1700))).status is Status.PASSED


def test_what_is_said_by_the_fingerprint_is_said_once() -> None:
    other = measured(
        fingerprint=replace(FINGERPRINT, power_limit="500 W"), conditions=replace(CONDITIONS, power_limit_w=500.0)
    )
    assert refused(judge(measured(), other)) == ["power_limit"]


def test_which_differences_leave_memory_and_results_as_they_were() -> None:
    assert concerns_times_alone(conditions(other_processes=1))
    assert concerns_times_alone(fingerprints(driver="570.1"))
    assert not concerns_times_alone(fingerprints(driver="570.1", gpu="NVIDIA H100"))
