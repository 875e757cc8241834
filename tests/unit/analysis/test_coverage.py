from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.analysis.coverage import Totals, Unattributed, coverage, totals
from workbench.attribution.attribution import Attribution
from workbench.attribution.leaves import Reason

Attributed = Callable[[Export], Attribution]


def program() -> Export:
    """One kernel for each fate it can have, of 1, 2, 4 ... ns."""
    export = Export()
    export.range("model.layers.0.mlp", 0, 100)
    export.launch("in a layer", 10, 1000, 1001)
    export.range("some other range", 100, 200)
    export.launch("in a range without rule", 110, 2000, 2002)
    export.launch("outside any range", 300, 3000, 3004)
    export.kernel("of unknown origin", 4000, 4008, 999)
    replay = export.call("cudaGraphLaunch_v10000", 400, 410)
    export.kernel("node of before", 5000, 5016, replay, node=5)
    export.launch("rms_norm_f32", 10, 6000, 6032, pid=8, tid=8)
    return export


def test_every_kernel_is_attributed_or_has_a_reason(attributed: Attributed) -> None:
    found = coverage(attributed(program()))
    assert found.attributed_ns == 1 + 32
    assert found.attributed_share == 33 / 63
    assert found.unattributed == (
        Unattributed(Reason.NODE_CREATED_OUTSIDE_CAPTURE, 16, 1),
        Unattributed(Reason.NO_LAUNCH_RECORD, 8, 1),
        Unattributed(Reason.NO_RANGE, 4, 1),
        Unattributed(Reason.NO_RULE, 2, 1),
    )


def test_leaves_and_reasons_add_up_to_the_total(attributed: Attributed) -> None:
    attribution = attributed(program())
    found, sums = coverage(attribution), totals(attribution)
    assert found.attributed_ns + sum(entry.kernel_ns for entry in found.unattributed) == sums.kernel_ns == 63
    assert sums.kernel_count == 6


def test_what_ranges_tell_and_what_names_tell_is_said_apart(attributed: Attributed) -> None:
    assert coverage(attributed(program())).by == {"range": 1, "kernel_name": 32}


def test_reasons_that_do_not_occur_are_not_named(attributed: Attributed) -> None:
    export = Export()
    export.launch("rms_norm_f32", 0, 10, 20)
    found = coverage(attributed(export))
    assert (found.attributed_share, found.unattributed) == (1.0, ())


@pytest.mark.parametrize(
    ("copies", "memsets", "graphs", "expected"),
    [
        (0, 0, 0, Totals(10, 1, 0, 0, 0, 0)),
        (2, 1, 0, Totals(10, 1, 2 * 20 + 5, 3, 0, 0)),
        (0, 0, 3, Totals(10, 1, 0, 0, 300, 3)),
    ],
)
def test_totals_keep_kernels_copies_and_hidden_graphs_apart(
    attributed: Attributed, copies: int, memsets: int, graphs: int, expected: Totals
) -> None:
    export = Export()
    export.launch("k", 0, 10, 20)
    for _ in range(copies):
        export.copy(1, 64, 100, 120, None)
    for _ in range(memsets):
        export.memset(64, 200, 205, None)
    for _ in range(graphs):
        export.hidden_graph(1, 300, 400, None)
    assert totals(attributed(export)) == expected


def test_copies_are_no_part_of_coverage(attributed: Attributed) -> None:
    export = Export()
    export.launch("rms_norm_f32", 0, 10, 20)
    export.copy(1, 64, 100, 120, None)
    found = coverage(attributed(export))
    assert (found.attributed_ns, found.unattributed) == (10, ())


def test_without_kernel_time_nothing_is_attributed(attributed: Attributed) -> None:
    export = Export()
    export.hidden_graph(1, 0, 100, export.call("cudaGraphLaunch_v10000", 0, 10))
    found = coverage(attributed(export))
    assert (found.attributed_ns, found.attributed_share, found.unattributed) == (0, 0.0, ())
    assert found.by == {"range": 0, "kernel_name": 0}


def test_kernels_without_length_have_reasons_too(attributed: Attributed) -> None:
    export = Export()
    export.launch("unheard of", 0, 10, 10)
    found = coverage(attributed(export))
    assert (found.attributed_share, found.unattributed) == (0.0, (Unattributed(Reason.NO_RULE, 0, 1),))
