from collections.abc import Mapping

import numpy as np
import pytest

from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import COPIES, HIDDEN, UNATTRIBUTED, Part
from workbench.compare.estimate import Change, Estimate, estimates
from workbench.compare.moved_parts import PartChange, part_changes, speaks_of, spoken_of
from workbench.compare.reconciliation import Contribution
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


BUSY = {"mlp", "attention", UNATTRIBUTED, COPIES, HIDDEN}
KERNELS = BUSY - {COPIES, HIDDEN}
IDLE = {kind.label for kind in IdleKind}
LAUNCH_WAITS = {LAUNCH, GRAPH, QUEUED}
CALL_WAITS = {LAUNCH, SYNCHRONIZING, "no_work"}
SPEAKS_OF: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("step", "wall_ns"): (BUSY, IDLE),
    ("step", "busy_ns"): (BUSY, set()),
    ("step", "launch_starved_ns"): (set(), {LAUNCH}),
    ("step", "synchronizing_ns"): (set(), {SYNCHRONIZING}),
    ("step", "in_graph_ns"): (set(), {GRAPH}),
    ("step", "launches"): (set(), LAUNCH_WAITS),
    ("step", "graph_launches"): (set(), LAUNCH_WAITS),
    ("step", "kernels"): (KERNELS, LAUNCH_WAITS),
    ("step", "tiny_kernels"): (KERNELS, LAUNCH_WAITS),
    ("step", "serial_share"): (KERNELS, {GRAPH, QUEUED}),
    ("step", "outliers"): (BUSY, IDLE),
    ("step", "stalls"): (set(), IDLE),
    ("kernel", "calls_per_step"): (KERNELS, LAUNCH_WAITS),
    ("kernel", "ns_per_step"): (KERNELS, set()),
    ("kernel", "mean_ns"): (KERNELS, set()),
    ("pair", "calls_per_step"): (KERNELS, LAUNCH_WAITS),
    ("projections", "calls_per_layer"): ({"mlp"}, LAUNCH_WAITS),
    ("projections", "ns_per_step"): ({"mlp"}, set()),
    ("layer_type", "ns_per_step"): ({"mlp"}, set()),
    ("layer_type", "kernels_per_step"): ({"mlp"}, LAUNCH_WAITS),
    ("role", "ns_per_step"): ({"mlp"}, set()),
    ("role", "busy_ns"): ({"mlp"}, set()),
    ("role", "kernel_names"): ({"mlp"}, set()),
    ("role", "kernels_per_step"): ({"mlp"}, LAUNCH_WAITS),
    ("role", "kernels_per_layer"): ({"mlp"}, LAUNCH_WAITS),
    ("hidden_graphs", "calls"): ({HIDDEN}, set()),
    ("hidden_graphs", "ns"): ({HIDDEN}, set()),
}
for copies in ("memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memcpy_small", "memcpy_pageable", "memset"):
    SPEAKS_OF[copies, "calls_per_step"] = ({COPIES}, {*LAUNCH_WAITS, SYNCHRONIZING})
    SPEAKS_OF[copies, "bytes_per_step"] = SPEAKS_OF[copies, "ns_per_step"] = ({COPIES}, set())
for calls in ("allocate", "free", "synchronize", "module_load"):
    SPEAKS_OF[calls, "calls_per_step"] = SPEAKS_OF[calls, "ns_per_step"] = (set(), CALL_WAITS)


@pytest.mark.parametrize(
    ("subject", "measure"), [(subject, measure) for subject, (_, measures) in MEASURES.items() for measure in measures]
)
def test_what_each_measure_speaks_of(subject: str, measure: str) -> None:
    target = Target(subject, measure, "<=", 1, names=("mlp", "up_proj")[: MEASURES[subject][0]])
    busy, idle = SPEAKS_OF[subject, measure]
    assert {label for label in BUSY if speaks_of(target, label, is_idle=False)} == busy
    assert {label for label in IDLE if speaks_of(target, label, is_idle=True)} == idle


def test_the_largest_change_comes_first_and_keeps_what_is_known_of_it() -> None:
    (small, large) = (Contribution(label, False, estimate(ns), None) for label, ns in (("norm", -5), ("mlp", -50)))
    found = spoken_of([small, large], {"F1": parse_target('role("mlp", "up").busy_ns <= 1')})
    assert [(one.label, one.time, one.spoken_of_by) for one in found] == [
        ("mlp", large.time, ("F1",)),
        ("norm", small.time, ()),
    ]


def estimate(difference: float) -> Estimate:
    (found,) = estimates(np.array([[100.0]]), np.array([[100.0 + difference]]))
    return found
