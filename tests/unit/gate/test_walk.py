"""At which commit a number moved."""

import numpy as np
import pytest

from tests.unit.gate.measured_models import noisy
from workbench.gate.measured import Number
from workbench.gate.walk import MeasuredCommit, walk

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
