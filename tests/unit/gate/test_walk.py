"""At which commit a number moved."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.gate.measured_models import noisy
from workbench.gate.measured import Conditions, Number
from workbench.gate.verdict import Status
from workbench.gate.walk import TOKENS, MeasuredCommit, exit_code, walk

NAMES = ("prefill.512", "decode.128")


def commit(
    place: int, factor: float = 1.0, *, noise: float = 0.002, seed: int = 0, problem: str = "", tokens: str = "a"
) -> MeasuredCommit:
    """A commit whose decode takes so many times as long."""
    numbers: tuple[Number, ...] = ()
    if not problem:
        prefill, decode = (noisy(name, 1e8, noise, seed=1000 * seed + place) for name in NAMES)
        slow = tuple(tuple(round(at * factor) for at in times) for times in decode.samples_ns)
        numbers = (prefill, Number(**{**vars(decode), "samples_ns": slow}))
    return MeasuredCommit(f"{place:x}" * 40, f"Commit {place}", numbers, tokens, problem)


def test_a_loss_is_found_at_its_commit() -> None:
    found = walk("m", [commit(0), commit(1), commit(2, 1.05), commit(3, 1.05)], 0.01)
    (move,) = found.moves
    assert (move.name, move.commit.subject, move.since.subject) == ("decode.128", "Commit 2", "Commit 1")
    assert move.change.change == pytest.approx(0.05, abs=0.01)
    assert found.losses == found.moves


def test_a_gain_is_a_move_and_no_loss() -> None:
    found = walk("m", [commit(0), commit(1, 0.9)], 0.01)
    assert [move.commit.subject for move in found.moves] == ["Commit 1"]
    assert found.losses == ()


def test_moves_are_in_the_order_of_their_commits() -> None:
    found = walk("m", [commit(0), commit(1, 1.1), commit(2, 1.1), commit(3, 1.0)], 0.01)
    assert [(move.commit.subject, move.change.is_slower) for move in found.moves] == [
        ("Commit 1", True),
        ("Commit 3", False),
    ]


def test_a_commit_that_does_not_run_is_passed_over() -> None:
    found = walk("m", [commit(0), commit(1, problem="broken"), commit(2, 1.1)], 0.01)
    (move,) = found.moves
    assert (move.commit.subject, move.since.subject) == ("Commit 2", "Commit 0")
    assert len(found.commits) == 3
    assert len(found.measured) == 2


def test_what_the_tolerance_allows_is_no_move() -> None:
    commits = [commit(0), commit(1, 1.05)]
    assert walk("m", commits, 0.1).moves == ()
    assert len(walk("m", commits, 0.01).moves) == 1


def test_small_losses_that_add_up_are_held_against_the_first() -> None:
    commits = [commit(place, 1 + 0.004 * place, noise=0.0005) for place in range(6)]
    (move,) = walk("m", commits, 0.01).moves
    assert (move.commit.subject, move.since.subject) == ("Commit 3", "Commit 0")
    assert move.change.change > 0.01


def test_commits_that_compute_something_else_are_named() -> None:
    commits = [commit(0), commit(1), commit(2, tokens="b"), commit(3, tokens="b"), commit(4, tokens="")]
    assert [one.subject for one in walk("m", commits, 0.01).results] == ["Commit 2"]


@pytest.mark.parametrize("count", [0, 1])
def test_of_one_commit_nothing_can_move(count: int) -> None:
    found = walk("m", [commit(place) for place in range(count)], 0.01)
    assert (found.moves, len(found.measured)) == ((), count)


def test_ranges_in_which_nothing_moved_have_few_moves() -> None:
    """Rises and falls are each bounded to 5 ranges of 100, and so is what is held against the first commit."""
    walks = [walk("m", [commit(place, seed=seed + 1, noise=0.02) for place in range(8)], 0.0) for seed in range(120)]
    assert np.mean([bool(one.moves) for one in walks]) <= 0.2


def test_creeping_losses_are_found_behind_a_gain() -> None:
    behind = [commit(place, 0.9 * (1 + 0.004 * (place - 1)), noise=0.0005) for place in range(1, 8)]
    found = walk("m", [commit(0, noise=0.0005), *behind], 0.01)
    gain, *losses = found.moves
    assert (gain.commit.subject, gain.change.is_faster) == ("Commit 1", True)
    assert [(move.commit.subject, move.since.subject) for move in losses] == [
        ("Commit 4", "Commit 1"),
        ("Commit 7", "Commit 4"),
    ]
    assert exit_code([found]) == 1


def test_what_creeps_up_after_it_crept_down_is_found() -> None:
    factors = [1 - 0.004 * place for place in range(4)] + [0.988 + 0.004 * place for place in range(1, 4)]
    found = walk("m", [commit(place, factor, noise=0.0005) for place, factor in enumerate(factors)], 0.01)
    assert [(move.commit.subject, move.change.is_slower) for move in found.moves] == [
        ("Commit 3", False),
        ("Commit 6", True),
    ]


@pytest.mark.parametrize("place", [0, 2])
def test_a_range_without_an_end_has_not_passed(place: int) -> None:
    commits = [commit(at, problem="it broke" if at == place else "") for at in range(3)]
    found = walk("m", commits, 0.01)
    assert [one.subject for one in found.open_ends] == [f"Commit {place}"]
    assert (found.status, exit_code([found])) == (Status.UNDECIDED, 2)


def test_a_commit_between_that_does_not_run_leaves_the_answer() -> None:
    assert walk("m", [commit(0), commit(1, problem="it broke"), commit(2)], 0.01).status is Status.PASSED


def test_other_tokens_are_a_failure() -> None:
    assert exit_code([walk("m", [commit(0), commit(1, tokens="b")], 0.01)]) == 1


def test_a_bench_that_vanishes_is_named_and_leaves_the_answer_open() -> None:
    commits = [commit(0), replace(commit(1), numbers=commit(1).numbers[:1]), commit(2)]
    found = walk("m", commits, 0.01)
    assert [(gone.commit.subject, gone.name) for gone in found.gone] == [("Commit 1", "decode.128")]
    assert found.status is Status.UNDECIDED


def test_a_bench_that_is_run_otherwise_or_a_digest_that_vanishes_is_named() -> None:
    prefill, decode = commit(1).numbers
    commits = [commit(0), replace(commit(1), numbers=(prefill, replace(decode, graphs=False))), commit(2, tokens="")]
    assert [(gone.commit.subject, gone.name) for gone in walk("m", commits, 0.01).gone] == [
        ("Commit 1", "decode.128"),
        ("Commit 2", "decode.128"),
        ("Commit 2", TOKENS),
    ]


def test_a_bench_that_comes_later_is_followed_from_there() -> None:
    commits = [replace(commit(0), numbers=commit(0).numbers[:1]), commit(1), commit(2, 1.1)]
    found = walk("m", commits, 0.01)
    assert found.gone == ()
    assert [(move.commit.subject, move.since.subject) for move in found.moves] == [("Commit 2", "Commit 1")]


def test_a_disturbed_commit_is_not_the_first_to_move() -> None:
    disturbed = replace(commit(1, 1.2), conditions=Conditions(throttle_reasons=("sw_thermal_slowdown",)))
    quiet = [replace(commit(place), conditions=Conditions(1980, 1980)) for place in (0, 2)]
    found = walk("m", [quiet[0], disturbed, quiet[1]], 0.01)
    assert (found.moves, found.status) == ((), Status.PASSED)
    assert found.commits[1].disturbance == "clocks were held down (sw thermal slowdown)"
    assert walk("m", [quiet[0], disturbed], 0.01).status is Status.UNDECIDED


@pytest.mark.parametrize(("count", "code"), [(0, 2), (1, 2), (2, 0)])
def test_exit_codes_of_quiet_ranges(count: int, code: int) -> None:
    assert exit_code([walk("m", [commit(place) for place in range(count)], 0.01)]) == code


def test_the_exit_code_of_several_is_the_worst() -> None:
    quiet, loss = walk("m", [commit(0), commit(1)], 0.01), walk("m", [commit(0), commit(1, 1.2)], 0.01)
    broken = walk("m", [commit(0), commit(1, problem="it broke")], 0.01)
    gain = walk("m", [commit(0), commit(1, 0.8)], 0.01)
    assert exit_code([]) == 2
    assert exit_code([quiet, gain]) == 0
    assert exit_code([quiet, broken]) == 2
    assert exit_code([quiet, broken, loss]) == 1
