from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.step_profile import Part, StepProfile, median_step_profile

Analysed = Callable[[Export], Analysis]


def layer(export: Export, name: str, call_at: int, start: int, end: int, **kernel: int) -> None:
    export.range(name, call_at - 1, call_at + 1)
    export.launch("k", call_at, start, end, **kernel)


def one_step() -> Export:
    """A decode step of 1000 ns: attention twice, mlp once beside it, a copy, a kernel of no layer, two waits."""
    export = Export()
    export.range("decode_step 5", 0, 2000)
    layer(export, "model.layers.0.self_attn", 10, 100, 300)
    layer(export, "model.layers.0.mlp", 20, 250, 500, stream=8)
    export.copy(1, 64, 500, 520, export.call("cudaMemcpyAsync_v3020", 30, 40))
    export.launch("of no layer", 50, 600, 700)
    layer(export, "model.layers.1.self_attn", 750, 800, 1100)
    return export


def profile(analysis: Analysis) -> StepProfile:
    return median_step_profile(analysis, 0, "decode")


def test_busy_parts_come_first_the_longest_at_the_front_then_what_was_waited_for(analysed: Analysed) -> None:
    assert profile(analysed(one_step())).parts == (
        Part("attention", False, 200 + 300, 2),
        Part("mlp", False, 200, 1),
        Part("not attributed", False, 100, 1),
        Part("copies and memsets", False, 20, 1),
        # From 700 to 800, within the phase, until the last launch; from 520 to 600 the launch had long returned.
        Part("launch_starved", True, 100, 0),
        Part("queued", True, 80, 0),
    )


def test_parts_add_up_to_the_step(analysed: Analysed) -> None:
    found = profile(analysed(one_step()))
    assert sum(part.time_ns for part in found.parts) == found.wall_ns == 1000


def test_time_of_two_operations_belongs_to_the_one_that_started_first(analysed: Analysed) -> None:
    found = profile(analysed(one_step()))
    stretches = zip(found.begin_ns.tolist(), found.end_ns.tolist(), found.part.tolist(), strict=True)
    assert [(begin, end, found.parts[part].label) for begin, end, part in stretches] == [
        (0, 200, "attention"),
        (200, 400, "mlp"),
        (400, 420, "copies and memsets"),
        (500, 600, "not attributed"),
        (700, 1000, "attention"),
    ]


def test_a_profile_says_which_step_it_is(analysed: Analysed) -> None:
    found = profile(analysed(one_step()))
    assert (found.phase, found.process, found.step, found.steps) == ("decode", 0, 5, 1)


@pytest.mark.parametrize(
    ("lengths", "median"), [((30, 10, 20), 2), ((40, 10, 30, 20), 3), ((7, 7, 7), 1), ((10, 20), 0)]
)
def test_it_is_the_step_of_the_lower_median_wall_time(
    analysed: Analysed, lengths: tuple[int, ...], median: int
) -> None:
    """Each step is one kernel, and a load after it, so that it lasts as long as its kernel."""
    export = Export()
    for step, length in enumerate(lengths):
        begin = 1000 * step
        export.range(f"decode_step {step}", begin, begin + 100)
        export.launch("k", begin + 10, begin + 100, begin + 100 + length)
        export.range("load", begin + 400, begin + 500)
        export.launch("k", begin + 410, begin + 500, begin + 510)
    analysis = analysed(export)
    assert analysis.step_costs.wall_ns.tolist() == list(lengths)
    found = profile(analysis)
    # Of equal steps it is the earliest that stands in the middle.
    assert (found.step, found.wall_ns) == (median, lengths[median])


def test_hidden_graphs_are_a_part_of_their_own(analysed: Analysed) -> None:
    export = Export()
    export.range("decode", 0, 2000)
    export.hidden_graph(1, 100, 400, export.call("cudaGraphLaunch_v10000", 10, 20))
    layer(export, "model.layers.0.mlp", 30, 400, 500)
    assert profile(analysed(export)).parts == (
        Part("hidden in graphs", False, 300, 1),
        Part("mlp", False, 100, 1),
    )


def test_operations_are_cut_at_the_steps_ends(analysed: Analysed) -> None:
    export = Export()
    export.range("decode_step 0", 0, 100)
    layer(export, "model.layers.0.mlp", 10, 100, 250)
    export.range("decode_step 1", 200, 300)
    layer(export, "model.layers.0.self_attn", 210, 220, 500, stream=8)
    found = profile(analysed(export))
    # The first step ends where the second begins: 30 ns before its own kernel does.
    assert (found.step, found.wall_ns) == (0, 120)
    assert found.parts == (Part("mlp", False, 120, 1),)


def test_an_operation_that_began_before_the_step_counts_from_there_on(analysed: Analysed) -> None:
    export = Export()
    export.range("prefill", 0, 100)
    layer(export, "model.layers.0.mlp", 10, 50, 250, stream=8)
    export.range("decode", 150, 300)
    layer(export, "model.layers.0.self_attn", 160, 200, 400)
    found = profile(analysed(export))
    assert found.parts == (Part("attention", False, 150, 1), Part("mlp", False, 50, 1))
    assert found.begin_ns.tolist() == [0, 50]


def test_a_part_of_kernels_without_length_is_still_named(analysed: Analysed) -> None:
    export = Export()
    export.range("decode", 0, 2000)
    layer(export, "model.layers.0.mlp", 10, 100, 200)
    layer(export, "model.layers.0.self_attn", 20, 150, 150)
    found = profile(analysed(export))
    assert found.parts == (Part("mlp", False, 100, 1), Part("attention", False, 0, 1))
    assert len(found.part) == 1


def test_another_processes_operations_are_no_part(analysed: Analysed) -> None:
    export = one_step()
    export.launch("of another", 0, 100, 1100, pid=8, tid=8)
    assert sum(part.operations for part in profile(analysed(export)).parts) == 5


def test_real_profiles_add_up(real_capture: Analysis) -> None:
    for phase in real_capture.phases:
        if phase.steps:
            found = median_step_profile(real_capture, phase.process, phase.phase)
            assert sum(part.time_ns for part in found.parts) == found.wall_ns
            assert (found.begin_ns[1:] >= found.end_ns[:-1]).all()
