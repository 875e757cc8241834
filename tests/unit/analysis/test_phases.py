from collections.abc import Callable

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.phases import PhaseSummary

Analysed = Callable[[Export], Analysis]


def phases(analysis: Analysis) -> dict[str, PhaseSummary]:
    return {summary.phase: summary for summary in analysis.phases}


def idle(summary: PhaseSummary) -> dict[str, int]:
    return {kind.label: waited_ns for kind, waited_ns in summary.idle_ns.items() if waited_ns}


def program() -> Export:
    """Loads, warms up, prefills once and decodes twice; each part launches as many kernels as its name says."""
    export = Export()
    export.range("load", 0, 100)
    export.copy(1, 4096, 20, 70, export.call("cudaMemcpyAsync_v3020", 10, 20))
    export.range("warmup", 100, 200)
    export.range("decode_step 0", 110, 190)
    export.launch("once", 120, 140, 150)
    export.range("prefill", 1000, 2000)
    export.launch("once", 1010, 1100, 1600)
    for step, begin in ((0, 3000), (1, 4000)):
        export.range(f"decode_step {step}", begin, begin + 900)
        export.launch("once", begin + 10, begin + 100, begin + 200)
        export.launch("twice", begin + 20, begin + 300, begin + 500)
        export.memset(64, begin + 500, begin + 520, export.call("cudaMemsetAsync_v3020", begin + 30, begin + 40))
    return export


def test_phases_stand_in_the_order_of_a_programs_course(analysed: Analysed) -> None:
    assert [summary.phase for summary in analysed(program()).phases] == ["load", "warmup", "prefill", "decode"]


def test_a_decode_step_inside_the_warmup_is_warmup(analysed: Analysed) -> None:
    found = phases(analysed(program()))
    assert (found["warmup"].kernels, found["warmup"].steps, found["warmup"].steps_source) == (1, 0, None)
    assert found["decode"].kernels == 4


def test_only_prefill_and_decode_have_steps(analysed: Analysed) -> None:
    assert {name: (found.steps, found.steps_source) for name, found in phases(analysed(program())).items()} == {
        "load": (0, None),
        "warmup": (0, None),
        "prefill": (1, "ranges"),
        "decode": (2, "ranges"),
    }


def test_a_phase_with_steps_lasts_as_long_as_they_do(analysed: Analysed) -> None:
    decode = phases(analysed(program()))["decode"]
    # The first step from 3100 to 4100, the second from 4100 to 4520.
    assert decode.wall_ns == 1000 + 420
    assert decode.busy_ns == 2 * (100 + 200 + 20)
    # Each step waits, with its second launch called long before, from 200 to 300; the first one then from 520 on.
    assert idle(decode) == {"queued": 2 * 100, "launch_starved": 380 + 100, "no_work": 100}
    assert decode.wall_ns == decode.busy_ns + sum(decode.idle_ns.values())


def test_a_phase_without_steps_lasts_from_operation_to_operation(analysed: Analysed) -> None:
    export = Export()
    export.range("load", 0, 1000)
    export.launch("a", 10, 100, 200)
    export.launch("b", 20, 150, 260, stream=8)
    export.launch("c", 300, 320, 400)
    export.launch("of no phase", 1100, 1200, 1300)
    found = phases(analysed(export))
    assert (found["load"].wall_ns, found["load"].busy_ns) == (300, 160 + 80)
    assert idle(found["load"]) == {"launch_starved": 60}
    # The gap between two phases is neither's.
    assert (found["other"].wall_ns, found["other"].busy_ns, idle(found["other"])) == (100, 100, {})


def test_a_phase_that_comes_twice_is_not_the_time_between(analysed: Analysed) -> None:
    export = Export()
    export.launch("a", 0, 100, 200)
    export.range("load", 300, 400)
    export.launch("b", 310, 400, 500)
    export.launch("c", 600, 700, 800)
    assert phases(analysed(export))["other"].wall_ns == 200


def test_sums_of_operations(analysed: Analysed) -> None:
    found = phases(analysed(program()))
    decode, load = found["decode"], found["load"]
    assert (decode.kernels, decode.kernel_ns, decode.memops, decode.memop_ns) == (4, 600, 2, 40)
    assert (load.kernels, load.kernel_ns, load.memops, load.memop_ns) == (0, 0, 1, 50)


def test_launches_and_api_time_are_those_called_in_the_phase(analysed: Analysed) -> None:
    export = program()
    export.call("cudaGraphLaunch_v10000", 3050, 3090)
    export.call("cudaStreamSynchronize_v3020", 3200, 3600)
    export.call("cuStreamSynchronize", 3210, 3590)
    export.call("cudaStreamSynchronize_v3020", 5000, 5500)
    found = phases(analysed(export))
    assert (found["decode"].launches, found["decode"].graph_launches) == (5, 1)
    assert found["decode"].api_ns == 2 * 30 + 40 + 400
    assert (found["prefill"].launches, found["prefill"].graph_launches, found["prefill"].api_ns) == (1, 0, 10)


def test_attributed_time_is_part_of_the_kernel_time(analysed: Analysed) -> None:
    export = program()
    export.range("model.layers.0.mlp", 3015, 3025)
    decode = phases(analysed(export))["decode"]
    assert (decode.attributed_ns, decode.kernel_ns) == (200, 600)


def test_hidden_graphs_are_a_sum_of_their_own(analysed: Analysed) -> None:
    export = program()
    export.hidden_graph(1, 4600, 4700, export.call("cudaGraphLaunch_v10000", 4050, 4060))
    decode = phases(analysed(export))["decode"]
    assert (decode.hidden_graph_ns, decode.kernel_ns, decode.kernels) == (100, 600, 4)
    # They keep the GPU busy all the same.
    assert decode.busy_ns == 2 * 320 + 100
    assert decode.wall_ns == 1000 + 600


def test_processes_are_reported_apart(analysed: Analysed) -> None:
    export = program()
    export.range("decode_step 0", 3000, 3900, pid=8, tid=8)
    export.launch("of another", 3010, 3150, 3250, pid=8, tid=8)
    analysis = analysed(export)
    decode = [summary for summary in analysis.phases if summary.phase == "decode"]
    assert [(summary.process, summary.steps, summary.kernels, summary.busy_ns) for summary in decode] == [
        (0, 2, 4, 640),
        (1, 1, 1, 100),
    ]
    assert [analysis.trace.pid(summary.process) for summary in decode] == [7, 8]


def test_calls_and_time_of_one_process_are_not_anothers(analysed: Analysed) -> None:
    export = Export()
    export.launch("k", 0, 100, 200)
    export.launch("k", 0, 150, 450, pid=8, tid=8)
    export.call("cudaFree_v3020", 500, 530, pid=8, tid=8)
    one, other = analysed(export).phases
    assert (one.launches, one.api_ns, one.busy_ns, one.wall_ns) == (1, 10, 100, 100)
    assert (other.launches, other.api_ns, other.busy_ns, other.wall_ns) == (1, 40, 300, 300)


def test_steps_without_ranges_are_inferred_and_say_so(analysed: Analysed) -> None:
    export = Export()
    for step in range(5):
        at = 1000 * step
        for number, name in enumerate("abc"):
            export.launch(name, at + 20 * number, at + 100 + 100 * number, at + 200 + 100 * number)
    (decode,) = analysed(export).phases
    assert (decode.phase, decode.steps, decode.steps_source, decode.kernels) == ("decode", 5, "inferred", 15)


def test_a_program_of_graph_launches_is_divided_by_them(analysed: Analysed) -> None:
    export = Export()
    for step in range(5):
        at = 1000 * step
        launch = export.call("cudaGraphLaunch_v10000", at, at + 10)
        for node in range(3):
            export.kernel(f"node {node}", at + 100 + 100 * node, at + 180 + 100 * node, launch, node=node)
    (decode,) = analysed(export).phases
    assert (decode.phase, decode.steps, decode.steps_source) == ("decode", 5, "graph_launches")
    assert (decode.launches, decode.graph_launches, decode.kernels) == (5, 5, 15)
    assert decode.busy_ns == 5 * 240
    assert idle(decode)["in_graph"] == 5 * 40
