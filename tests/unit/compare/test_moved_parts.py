from collections.abc import Mapping

import pytest

from tests.unit.compare.test_credit import change
from workbench.analysis.step_profile import COPIES, HIDDEN, Part
from workbench.compare.credit import Basis, Credit, Kept
from workbench.compare.estimate import Change
from workbench.compare.moved_parts import PartChange, ReasonKind, part_changes, reasons, speaks_of
from workbench.findings.target import MEASURES, Target, parse_target

LAUNCH, GRAPH, QUEUED, SYNCHRONIZING = "launch_starved", "in_graph", "queued", "synchronizing"


def step(idle: Mapping[str, int] | None = None, **busy: int) -> tuple[Part, ...]:
    return (
        *(Part(label, False, time_ns, 1) for label, time_ns in busy.items()),
        *(Part(label, True, time_ns, 0) for label, time_ns in (idle or {}).items()),
    )


def moved(
    before: tuple[Part, ...], after: tuple[Part, ...], target: str = 'role("mlp", "up").busy_ns <= 1'
) -> tuple[PartChange, ...]:
    return part_changes([before], [after], {"F1": parse_target(target)})


def kept(outcome: Kept, gain_ns: float, low_ns: int = 60, high_ns: int = 90) -> Credit:
    return Credit(change([1_000], [1_000 - gain_ns]), Basis.MEDIAN, 1, ("F1",), low_ns, high_ns, outcome)


def test_parts_are_compared_by_their_labels_the_largest_change_first() -> None:
    found = moved(step({LAUNCH: 30}, mlp=500, attention=200), step({LAUNCH: 20}, mlp=400, norm=40, attention=200))
    assert [(one.label, one.is_idle, one.time.difference) for one in found] == [
        ("mlp", False, -100),
        ("norm", False, 40),
        (LAUNCH, True, -10),
        ("attention", False, 0),
    ]
    assert [one.spoken_of_by for one in found] == [("F1",), (), (), ()]


def test_with_one_capture_a_side_there_is_no_verdict() -> None:
    (found,) = moved(step(mlp=500), step(mlp=400))
    assert found.time.change is Change.UNDECIDED


def test_with_several_there_is_one() -> None:
    before = [step(mlp=time_ns, norm=time_ns) for time_ns in (500, 501, 499)]
    after = [step(mlp=time_ns - 100, norm=time_ns) for time_ns in (500, 501, 499)]
    found = {one.label: one.time for one in part_changes(before, after, {})}
    assert found["mlp"].change is Change.BETTER
    assert found["norm"].change is Change.NONE_SHOWN


@pytest.mark.parametrize(
    ("target", "label", "is_idle", "expected"),
    [
        ('role("mlp", "up_proj").busy_ns <= 1', "mlp", False, True),
        ('role("mlp", "up_proj").busy_ns <= 1', "attention", False, False),
        ('role("mlp", "up_proj").busy_ns <= 1', LAUNCH, True, False),
        ('role("norm", "input").kernels_per_layer <= 1', QUEUED, True, True),
        ('projections("attention").calls_per_layer <= 1', "attention", False, True),
        ('projections("attention").calls_per_layer <= 1', GRAPH, True, True),
        ('kernel("gemv").ns_per_step <= 1', "mlp", False, True),
        ('kernel("gemv").ns_per_step <= 1', COPIES, False, False),
        ('kernel("gemv").ns_per_step <= 1', LAUNCH, True, False),
        ('pair("a", "b").calls_per_step <= 0', LAUNCH, True, True),
        ("memset.calls_per_step <= 0", COPIES, False, True),
        ("memset.calls_per_step <= 0", "mlp", False, False),
        ("memset.calls_per_step <= 0", QUEUED, True, True),
        ("allocate.calls_per_step <= 0", SYNCHRONIZING, True, True),
        ("allocate.calls_per_step <= 0", "mlp", False, False),
        ("step.graph_launches >= 1", LAUNCH, True, True),
        ("step.graph_launches >= 1", "mlp", False, False),
        ("step.in_graph_ns <= 1", GRAPH, True, True),
        ("step.in_graph_ns <= 1", LAUNCH, True, False),
        ("step.busy_ns <= 1", "mlp", False, True),
        ("step.busy_ns <= 1", LAUNCH, True, False),
        ("step.wall_ns <= 1", "no_work", True, True),
        ("hidden_graphs.calls <= 0", HIDDEN, False, True),
        ("hidden_graphs.calls <= 0", LAUNCH, True, False),
    ],
)
def test_what_a_target_speaks_of(target: str, label: str, is_idle: bool, expected: bool) -> None:
    assert speaks_of(parse_target(target), label, is_idle) is expected


def test_every_target_speaks_of_some_part() -> None:
    labels = [("x", False), (COPIES, False), (HIDDEN, False), (LAUNCH, True), (SYNCHRONIZING, True), (GRAPH, True)]
    for subject, (names, measures) in MEASURES.items():
        for measure in measures:
            target = Target(subject, measure, "<=", 1, names=("x",) * names)
            assert any(speaks_of(target, *label) for label in labels), target


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
