import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.gate_errors import CHANGES, NOISES, PROCESSES, Case, simulate
from tests.unit.gate.measured_models import TIMES_NS, measured, noisy, number
from workbench.gate.measured import MeasuredModel, Number
from workbench.gate.speed import changes, judge, loss_that_matters, processes_needed, share_text
from workbench.gate.verdict import GateResult, Line, Status

RUNS = 1_000
FALSE_ALARMS, MISSES = 0.05, 0.025


def slack(share: float, runs: int = RUNS) -> float:
    """Three standard errors of a share that was counted."""
    return 3 * float(np.sqrt(share * (1 - share) / runs))


def of(*numbers: Number) -> MeasuredModel:
    return measured(numbers=numbers)


def line(found: GateResult, name: str) -> Line:
    return next(one for one in found.lines if one.name == name)


@pytest.mark.parametrize("processes", PROCESSES)
@pytest.mark.parametrize("noise", NOISES)
def test_rates_of_error_hold_whatever_the_noise(noise: float, processes: int) -> None:
    found = {name: simulate(Case(noise, processes, each), RUNS) for name, each in CHANGES.items()}
    assert found["none"].failed <= FALSE_ALARMS + slack(FALSE_ALARMS)
    assert found["one"].passed <= MISSES + slack(MISSES)
    assert found["all"].passed <= MISSES + slack(MISSES)


@pytest.mark.parametrize(("noise", "processes"), [(0.002, 3), (0.002, 8), (0.005, 5), (0.01, 8)])
def test_where_noise_allows_it_the_answer_is_there(noise: float, processes: int) -> None:
    found = {name: simulate(Case(noise, processes, each), RUNS) for name, each in CHANGES.items()}
    assert found["none"].passed > 0.95
    assert found["one"].failed > 0.98
    assert found["all"].failed > 0.99


@pytest.mark.parametrize(("noise", "processes"), [(0.02, 3), (0.04, 3), (0.04, 5), (0.04, 8)])
def test_where_noise_hides_a_loss_the_answer_is_left_open(noise: float, processes: int) -> None:
    for name in ("none", "one"):
        assert simulate(Case(noise, processes, CHANGES[name]), RUNS).undecided > 0.8


@pytest.mark.parametrize("shape", ["normal", "stalls"])
@pytest.mark.parametrize("shared", [0.0, 0.9])
@pytest.mark.parametrize(("before", "processes"), [(1, 5), (3, 8), (5, 3)])
def test_rates_of_error_hold_for_other_noise_and_other_numbers_of_processes(
    shape: str, shared: float, before: int, processes: int
) -> None:
    """One process stands for an imported baseline; a process that stalls is slower, never faster."""
    same, slower = (
        simulate(Case(0.01, processes, CHANGES[name], before, shared, shape), RUNS) for name in ("none", "one")
    )
    assert same.failed <= FALSE_ALARMS + slack(FALSE_ALARMS)
    # With a single one before, a stall there hides the loss in that very process: nothing can tell.
    stalled = 0.05 if shape == "stalls" and before == 1 else 0.0
    assert slower.passed <= MISSES + stalled + slack(MISSES + stalled)


def test_gains_make_no_false_alarm() -> None:
    """Eight numbers of which half got faster: the others fail no more often."""
    found = simulate(Case(0.02, 5, (-0.2,) * 4 + (0.0,) * 4), RUNS)
    assert found.failed <= FALSE_ALARMS + slack(FALSE_ALARMS)


def test_a_loss_within_the_tolerance_seldom_fails() -> None:
    assert simulate(Case(0.002, 5, (0.005,) * 8), RUNS).failed < 0.01
    assert simulate(Case(0.002, 5, (0.005,) * 8), RUNS).passed > 0.99


def test_the_gate_rules_as_the_simulation_does() -> None:
    """The same numbers by `judge`, through processes' medians, as by the rules alone."""
    random = np.random.default_rng(5)
    statuses = []
    for run in range(30):
        noise = (0.004, 0.01, 0.03)[run % 3]
        sides = [
            of(
                *(
                    number(name, *(factor * at * np.exp(noise * random.standard_normal(4))))
                    for name, at in TIMES_NS.items()
                )
            )
            for factor in (1.0, (1.0, 1.03, 1.015)[run % 3])
        ]
        found = judge(*sides)
        statuses.append(found.status)
        logs = [np.log([one.medians_ns for one in side.numbers]) for side in sides]
        expected = stats.ttest_ind(logs[1], logs[0], axis=1, equal_var=False)
        slow = np.where(expected.statistic > 0, expected.pvalue / 2, 1 - expected.pvalue / 2)
        is_real = (stats.false_discovery_control(slow) <= 0.05) & (expected.pvalue <= 0.05) & (expected.statistic > 0)
        change = logs[1].mean(axis=1) - logs[0].mean(axis=1)
        is_failed = is_real & (change > np.log(1.01))
        assert [one.status is Status.FAILED for one in found.lines] == is_failed.tolist()
        high = expected.confidence_interval(0.95).high
        assert [one.status is Status.PASSED for one in found.lines] == (~is_failed & (high < np.log(1.03))).tolist()
    assert set(statuses) == {Status.PASSED, Status.FAILED, Status.UNDECIDED}


def test_a_loss_is_named_with_its_interval() -> None:
    slow = replace(measured(seed=2), numbers=(*measured(seed=2).numbers[:3], noisy("decode.128", 1.8e8 * 1.03, 0.002)))
    found = judge(measured(), slow)
    assert found.status is Status.FAILED
    assert found.sentence.startswith("1 of 4 numbers is slower by more than noise and 1 %: decode.128 by 3 %")
    decode = line(found, "decode.128")
    assert decode.status is Status.FAILED
    assert decode.change == pytest.approx(0.03, abs=0.002)
    assert decode.interval is not None
    assert 0.02 < decode.interval[0] < 0.03 < decode.interval[1] < 0.04
    assert decode.now == pytest.approx((decode.baseline or 0) * (1 + decode.change))
    assert "by 2." in decode.sentence


def test_a_gain_passes_and_is_told() -> None:
    found = judge(measured(), measured(seed=2, factor=0.9))
    assert found.status is Status.PASSED
    assert found.sentence.endswith("; 4 faster, decode.128 by 10 %.")
    assert all(one.sentence.startswith("Faster by") for one in found.lines)
    assert "lower" not in found.sentence.replace("slower by 3 %", "")


def test_a_large_gain_passes_in_any_noise() -> None:
    """The interval is wide, and lies below any loss."""
    assert judge(measured(noise=0.04), measured(noise=0.04, seed=2, factor=0.7)).status is Status.PASSED


def test_a_real_loss_within_the_tolerance_passes_and_is_told() -> None:
    found = judge(measured(noise=0.0005), measured(noise=0.0005, seed=2, factor=1.005))
    assert found.status is Status.PASSED
    assert line(found, "decode.128").sentence == "Slower by 0.45 %, which the tolerance allows."
    assert judge(measured(noise=0.0005), measured(noise=0.0005, seed=2, factor=1.005), 0.002).status is Status.FAILED


def test_noise_asks_for_more_processes() -> None:
    found = judge(measured(noise=0.025), measured(noise=0.025, seed=3))
    assert found.status is Status.UNDECIDED
    assert "this run could have seen" in found.sentence
    assert "and 3 % matters" in found.sentence
    assert re.search(r" matters: \d+ processes on either side would do, so record the baseline anew\.$", found.sentence)
    assert all(one.smallest is not None and 0.02 < one.smallest < 0.12 for one in found.lines)


def test_more_processes_now_do_where_the_baseline_has_enough() -> None:
    found = judge(of(noisy("decode.128", 1.8e8, 0.012, 12)), of(noisy("decode.128", 1.8e8, 0.012, 3, seed=4)))
    assert found.status is Status.UNDECIDED
    assert re.search(r" matters: \d+ processes would do\.$", found.sentence)


def test_as_many_processes_as_are_asked_for_do() -> None:
    """Of runs with so many, 4 in 5 see a loss of 3 % in all numbers, and pass where there is none."""
    for noise in (0.005, 0.01, 0.02):
        needed = processes_needed(noise, 5, 0.03, 8)
        assert needed is not None
        before, after = needed
        same = simulate(Case(noise, after, CHANGES["none"], before, shared=0), RUNS)
        assert same.passed + same.failed >= 0.8 - slack(0.8)
        assert after < 60


def test_how_many_processes_are_needed() -> None:
    assert processes_needed(0.002, 5, 0.03) == (5, 3)
    one = processes_needed(0.01, 5, 0.03)
    many = processes_needed(0.01, 5, 0.03, 8)
    assert one is not None
    assert many is not None
    assert one[0] == 5
    assert one[1] <= many[1]
    # An imported baseline has one process, whose noise no number of others takes away.
    alone = processes_needed(0.015, 1, 0.03)
    assert alone is not None
    assert alone[0] == alone[1] > 1
    assert processes_needed(0.5, 5, 0.03) is None


def test_a_single_process_a_side_tells_nothing() -> None:
    found = judge(of(number("decode.128", 1.8e8)), of(number("decode.128", 1.8e8)))
    assert found.status is Status.UNDECIDED
    assert "A single process on either side tells nothing of the noise" in found.sentence
    assert judge(of(number("decode.128", 1.8e8)), of(number("decode.128", 3.6e8))).status is Status.UNDECIDED


def test_an_imported_baseline_is_judged_by_the_new_runs_noise() -> None:
    imported = of(replace(number("decode.128", 1.8e8), samples_ns=((180_000_000,),), graphs=None))
    assert judge(imported, of(noisy("decode.128", 1.8e8, 0.002, 8))).status is Status.PASSED
    assert judge(imported, of(noisy("decode.128", 1.8e8 * 1.04, 0.002, 8))).status is Status.FAILED
    assert "record the baseline anew" in judge(imported, of(noisy("decode.128", 1.8e8, 0.02, 8))).sentence


def test_numbers_of_one_side_are_named() -> None:
    then, now = measured(), measured(seed=2)
    found = judge(then, replace(now, numbers=now.numbers[:3]))
    assert found.status is Status.UNDECIDED
    assert found.sentence == "1 of 4 numbers is not settled. decode.128: It was not run now."
    assert line(found, "decode.128").now is None
    more = judge(replace(then, numbers=then.numbers[:3]), now)
    assert more.status is Status.PASSED
    assert line(more, "decode.128").status is Status.NOT_RUN


def test_a_failure_stands_whatever_was_not_run() -> None:
    slow = measured(seed=2, factor=1.1)
    assert judge(measured(), replace(slow, numbers=slow.numbers[:2])).status is Status.FAILED


def test_nothing_in_common_passes_nothing() -> None:
    found = judge(of(number("decode.128", 1.8e8)), of(number("prefill.512", 9e6)))
    assert found.status is Status.UNDECIDED
    assert found.sentence == "The baseline and this run have no number in common."
    assert judge(of(), of()).status is Status.UNDECIDED


def test_a_name_that_stands_for_another_bench_is_not_compared() -> None:
    then = of(noisy("decode.128@4096", 1.8e8, 0.002))
    now = of(replace(noisy("decode.128@4096", 1.8e8, 0.002, seed=2), depth=8192))
    assert judge(then, now).status is Status.UNDECIDED


def test_decode_that_lost_its_graphs_is_slower_like_any_other() -> None:
    then = of(noisy("decode.128", 1.8e8, 0.002))
    now = of(replace(noisy("decode.128", 3.6e8, 0.002, seed=2), graphs=False))
    assert judge(then, now).status is Status.FAILED
    assert judge(then, now).lines[0].sentence.endswith(", and no longer in graphs.")


def test_both_directions_are_the_same_change() -> None:
    one, other = noisy("decode.128", 1.8e8, 0.01), noisy("decode.128", 2e8, 0.01, seed=2)
    (there,), (back,) = changes([(one, other)]), changes([(other, one)])
    assert (1 + there.change) * (1 + back.change) == pytest.approx(1)
    assert there.interval is not None
    assert back.interval is not None
    assert (1 + there.interval[0]) * (1 + back.interval[1]) == pytest.approx(1)
    assert there.is_slower == back.is_faster


@pytest.mark.parametrize(("tolerance", "loss"), [(0.0, 0.03), (0.01, 0.03), (0.02, 0.06)])
def test_the_loss_that_matters(tolerance: float, loss: float) -> None:
    assert loss_that_matters(tolerance) == pytest.approx(loss)


@pytest.mark.parametrize(("share", "text"), [(0.0312, "3.1 %"), (-0.03, "3 %"), (0.00042, "0.042 %"), (1.234, "120 %")])
def test_shares_are_told_with_two_digits(share: float, text: str) -> None:
    assert share_text(share) == text


def test_decode_without_graphs_leaves_nothing_open_but_fails_where_it_is_clearly_slower() -> None:
    quiet = tuple((1_000_000 + step,) for step in range(5))
    noisy = tuple((2_000_000 + 200_000 * step,) for step in range(5))
    slow = tuple((4_000_000 + step,) for step in range(5))

    def model(eager: tuple[tuple[int, ...], ...]) -> MeasuredModel:
        numbers = (
            Number("decode.128", "decode", 128, 0, True, quiet),
            Number("decode.128.graphs_off", "decode", 128, 0, False, eager),
        )
        return of(*numbers)

    open_one = judge(model(noisy), model(noisy))
    assert open_one.status is Status.PASSED
    assert open_one.sentence.startswith("No deciding number is slower by 3 % or more")
    assert open_one.sentence.endswith("; decode.128.graphs_off is not settled and serves the graphs gate alone.")
    assert judge(model(quiet), model(quiet)).sentence.startswith("No number is slower")
    assert judge(model(quiet), model(slow)).status is Status.FAILED
