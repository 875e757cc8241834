import pytest

from tests.unit.compare.test_credit import change
from tests.unit.compare.test_moved_parts import GRAPH, LAUNCH, moved, step
from workbench.compare.credit import Basis, Credit, Kept
from workbench.compare.reasons import ReasonKind, reasons


def kept(outcome: Kept, gain_ns: float, low_ns: int = 60, high_ns: int = 90) -> Credit:
    return Credit(change([1_000], [1_000 - gain_ns]), Basis.MEDIAN, 1, ("F1",), 1, low_ns, high_ns, outcome)


def test_a_gain_that_waits_ate_is_told() -> None:
    found = moved(step({GRAPH: 10}, mlp=500, attention=200), step({GRAPH: 80}, mlp=420, attention=200))
    (reason,) = reasons(kept(Kept.FELL_SHORT, 10), found)
    assert reason.kind is ReasonKind.OFFSET
    assert [(part.label, part.time.difference) for part in reason.parts] == [(GRAPH, 70)]


def test_what_did_not_become_shorter_is_told() -> None:
    found = moved(step(mlp=500, attention=200), step(mlp=500, attention=190))
    (reason,) = reasons(kept(Kept.FELL_SHORT, 10), found)
    assert (reason.kind, [part.label for part in reason.parts]) == (ReasonKind.NOT_SHORTER, ["mlp"])


def test_what_became_shorter_by_too_little_is_told() -> None:
    found = moved(step(mlp=500, attention=200), step(mlp=488, attention=200))
    (reason,) = reasons(kept(Kept.FELL_SHORT, 12), found)
    assert (reason.kind, [part.label for part in reason.parts]) == (ReasonKind.LITTLE, ["mlp"])


def test_of_a_launch_bound_step_it_is_told() -> None:
    found = moved(step({LAUNCH: 400}, mlp=500), step({LAUNCH: 500}, mlp=400))
    kinds = {reason.kind: reason for reason in reasons(kept(Kept.FELL_SHORT, 0), found)}
    assert set(kinds) == {ReasonKind.OFFSET, ReasonKind.LAUNCH_BOUND}
    assert kinds[ReasonKind.LAUNCH_BOUND].share == pytest.approx(5 / 9)


def test_small_changes_explain_nothing() -> None:
    found = moved(step(mlp=500, attention=200), step(mlp=430, attention=205))
    (reason,) = reasons(kept(Kept.FELL_SHORT, 65, low_ns=80), found)
    assert reason.kind is ReasonKind.LITTLE


def test_what_else_became_shorter_explains_more_than_was_promised() -> None:
    found = moved(step(mlp=500, attention=200), step(mlp=420, attention=100))
    (reason,) = reasons(kept(Kept.EXCEEDED, 180), found)
    assert (reason.kind, [part.label for part in reason.parts]) == (ReasonKind.OTHERS_FELL, ["attention"])


@pytest.mark.parametrize("outcome", [Kept.CAME_TRUE, Kept.WITHIN_NOISE])
def test_what_came_true_or_is_noise_needs_no_reason(outcome: Kept) -> None:
    assert reasons(kept(outcome, 70), moved(step(mlp=500), step(mlp=430))) == ()
