from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution
from workbench.attribution.leaves import Reason
from workbench.trace.model import NONE

Attributed = Callable[[Export], Attribution]


def own_ranges(attribution: Attribution) -> list[str]:
    """The name of each operation's own range."""
    trace = attribution.trace
    return ["" if row == NONE else trace.strings[trace.ranges.name[row]] for row in attribution.own_range.tolist()]


def reasons(attribution: Attribution) -> list[str]:
    return [Reason(reason).label for reason in attribution.reason.tolist()]


def test_eager_kernels_lie_in_the_latest_started_range_of_their_thread(attributed: Attributed) -> None:
    export = Export()
    export.range("outer", 0, 1000)
    export.range("inner", 100, 200)
    export.range("elsewhere", 100, 900, tid=9)
    for at in (50, 150, 250):
        export.launch("k", at, at + 1000, at + 1010)
    assert own_ranges(attributed(export)) == ["outer", "inner", "outer"]


def test_a_range_is_open_from_its_start_until_before_its_end(attributed: Attributed) -> None:
    export = Export()
    export.range("r", 100, 200)
    export.range("empty", 150, 150)
    for at in (99, 100, 150, 199, 200):
        export.launch("k", at, at + 1000, at + 1001)
    assert own_ranges(attributed(export)) == ["", "r", "r", "r", ""]


def test_of_ranges_that_cross_in_two_domains_the_latest_started_wins(attributed: Attributed) -> None:
    export = Export()
    export.range("a", 0, 100, domain=0)
    export.range("b", 50, 200, domain=3)
    for at in (25, 75, 150):
        export.launch("k", at, at + 1000, at + 1001)
    assert own_ranges(attributed(export)) == ["a", "b", "b"]


def test_a_range_never_closed_is_open_to_the_end(attributed: Attributed) -> None:
    export = Export()
    export.range("forever", 100, None)
    export.range("inner", 200, 300)
    for at in (50, 150, 250, 10**9):
        export.launch("k", at, at + 10, at + 11)
    assert own_ranges(attributed(export)) == ["", "forever", "inner", "forever"]


def test_start_end_ranges_are_no_own_ranges(attributed: Attributed) -> None:
    export = Export()
    export.range("request", 0, 1000, style="start_end", end_tid=9)
    export.launch("k", 100, 200, 210)
    assert own_ranges(attributed(export)) == [""]


def test_correlation_ids_repeat_between_processes(attributed: Attributed) -> None:
    export = Export()
    for pid, name in ((7, "seven"), (8, "eight")):
        export.range(name, 0, 100, pid=pid, tid=pid)
        export.call("cudaLaunchKernel_v7000", 10, 20, pid=pid, tid=pid, correlation=1)
        export.kernel("k", 30 + pid, 40 + pid, 1, pid=pid)
    assert own_ranges(attributed(export)) == ["seven", "eight"]


def test_a_node_is_followed_through_its_clones_to_where_it_was_captured(attributed: Attributed) -> None:
    export = Export()
    export.range("capture me", 100, 200)
    export.node(1, 150)
    export.range("instantiate", 300, 400)
    export.node(2, 350)
    export.node(2, 351, original=1)
    export.node(3, 360, original=2)
    export.range("replay", 500, 600)
    launch = export.call("cudaGraphLaunch_v10000", 550, 560)
    export.kernel("k", 570, 580, launch, node=3)
    attribution = attributed(export)
    assert own_ranges(attribution) == ["capture me"]
    ran_in = attribution.sites.contexts.own_range()[attribution.sites.context_ran()]
    assert attribution.trace.texts(attribution.trace.ranges.name[ran_in]) == ["replay"]


def test_a_node_made_by_hand_is_described_where_it_was_added(attributed: Attributed) -> None:
    export = Export()
    export.range("add node", 100, 200)
    export.node(5, 150)
    export.kernel("k", 570, 580, export.call("cudaGraphLaunch_v10000", 550, 560), node=5)
    assert own_ranges(attributed(export)) == ["add node"]


def test_node_ids_repeat_between_processes(attributed: Attributed) -> None:
    export = Export()
    for pid, name in ((7, "seven"), (8, "eight")):
        export.range(name, 100, 200, pid=pid)
        export.node(1, 150, pid=pid)
        export.kernel("k", 300 + pid, 310, export.call("cudaGraphLaunch", 250, 260, pid=pid), pid=pid, node=1)
    assert own_ranges(attributed(export)) == ["seven", "eight"]


@pytest.mark.parametrize("original", [None, 77])
def test_nodes_created_outside_the_capture(attributed: Attributed, original: int | None) -> None:
    """Neither the node's own record, nor that of the node it was cloned from, need be there."""
    export = Export()
    export.range("r", 0, 1000)
    export.launch("eager", 10, 20, 30)
    if original is not None:
        export.node(3, 100, original=original)
    export.kernel("k", 570, 580, export.call("cudaGraphLaunch_v10000", 550, 560), node=3)
    attribution = attributed(export)
    assert own_ranges(attribution) == ["r", ""]
    assert reasons(attribution) == ["no_rule", "node_created_outside_capture"]


def test_a_cycle_of_clones_ends(attributed: Attributed) -> None:
    export = Export()
    export.range("r", 0, 1000)
    export.node(1, 100, original=2)
    export.node(2, 110, original=1)
    export.kernel("k", 570, 580, export.call("cudaGraphLaunch_v10000", 550, 560), node=1)
    assert own_ranges(attributed(export)) == ["r"]


def test_reasons(attributed: Attributed) -> None:
    export = Export()
    export.range("model.layers.0.mlp", 0, 50)
    export.range("unknown to any rule", 60, 90)
    export.launch("a", 10, 100, 110)
    export.launch("b", 70, 120, 130)
    export.launch("c", 95, 140, 150)
    export.kernel("d", 160, 170, 9999)
    export.kernel("e", 180, 190, None)
    export.copy(1, 8, 200, 201, 9999)
    assert reasons(attributed(export)) == [
        "attributed",
        "no_rule",
        "no_range",
        "no_launch_record",
        "no_launch_record",
        "no_launch_record",
    ]


def test_without_api_calls_nobody_knows_who_launched(attributed: Attributed) -> None:
    export = Export()
    export.range("model.layers.0.mlp", 0, 50)
    export.kernel("k", 10, 20, 1)
    assert reasons(attributed(export)) == ["no_launch_record"]
