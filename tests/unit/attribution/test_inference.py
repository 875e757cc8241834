from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution
from workbench.attribution.rules import PHASES
from workbench.trace.model import NONE

Attributed = Callable[[Export], Attribution]
STEP = ["embed", *["norm", "gemv", "attn", "gemv"] * 3, "head"]
PREFILL = ["embed", *["norm", "gemm", "flash", "gemm", "add"] * 3, "head"]


class Program:
    """A program without ranges: its kernels run one after the other."""

    def __init__(self) -> None:
        self.export, self.at = Export(), 0

    def launch(self, names: list[str]) -> "Program":
        for name in names:
            self.export.launch(name, self.at, self.at + 20, self.at + 90)
            self.at += 100
        return self

    def replay(self, names: list[str], first_node: int = 1) -> "Program":
        launch = self.export.call("cudaGraphLaunch_v10000", self.at, self.at + 10)
        for number, name in enumerate(names):
            self.export.kernel(name, self.at + 20, self.at + 90, launch, node=first_node + number)
            self.at += 100
        return self

    def replay_as_one_row(self, graph: int) -> "Program":
        launch = self.export.call("cudaGraphLaunch_v10000", self.at, self.at + 10)
        self.export.hidden_graph(graph, self.at + 20, self.at + 900, launch)
        self.at += 1000
        return self

    def fetch_token(self) -> "Program":
        copy = self.export.call("cudaMemcpyAsync_v3020", self.at, self.at + 10)
        self.export.copy(2, 4, self.at + 20, self.at + 30, copy)
        self.export.call("cudaStreamSynchronize_v3020", self.at + 10, self.at + 40)
        self.at += 100
        return self


def steps(attribution: Attribution) -> list[tuple[str, int]]:
    """Phase and number of operations of each step."""
    placement = attribution.placement
    operations = placement.step.tolist()
    return [(PHASES[phase], operations.count(row)) for row, phase in enumerate(placement.steps.phase.tolist())]


def sources(attribution: Attribution) -> set[str]:
    return set(attribution.placement.sources.values())


def test_many_alike_are_decode_the_longer_before_them_prefill_the_rest_other(attributed: Attributed) -> None:
    program = Program().launch(["fill"] * 4).launch(PREFILL)
    for _ in range(6):
        program.launch(STEP)
    attribution = attributed(program.launch(["free"] * 3).export)
    assert steps(attribution) == [("prefill", len(PREFILL)), *[("decode", len(STEP))] * 6]
    assert sources(attribution) == {"inferred"}
    assert attribution.placement.phase.tolist().count(PHASES.index("other")) == 7


def test_a_step_ends_with_the_copy_of_its_token(attributed: Attributed) -> None:
    program = Program().launch(PREFILL).fetch_token()
    for _ in range(5):
        program.launch(STEP).fetch_token()
    attribution = attributed(program.export)
    assert steps(attribution) == [("prefill", len(PREFILL) + 1), *[("decode", len(STEP) + 1)] * 5]
    first_of_each = attribution.trace.texts(
        attribution.trace.operations.name[[attribution.placement.step.tolist().index(row) for row in range(6)]]
    )
    assert first_of_each == ["embed"] * 6


def test_graph_launches_are_steps(attributed: Attributed) -> None:
    program = Program().launch(STEP)
    for _ in range(5):
        program.replay(STEP)
    attribution = attributed(program.export)
    assert steps(attribution) == [("decode", len(STEP))] * 5
    assert sources(attribution) == {"graph_launches"}


def test_a_longer_graph_before_the_others_is_a_prefill(attributed: Attributed) -> None:
    program = Program().replay(PREFILL, first_node=1000)
    for _ in range(5):
        program.replay(STEP)
    assert steps(attributed(program.export)) == [("prefill", len(PREFILL)), *[("decode", len(STEP))] * 5]


def test_several_graphs_may_make_one_step(attributed: Attributed) -> None:
    program = Program()
    for _ in range(5):
        program.replay(STEP[:6]).launch(["sample"]).replay(STEP[6:], first_node=100).fetch_token()
    assert steps(attributed(program.export)) == [("decode", len(STEP) + 2)] * 5


def test_graphs_recorded_as_single_rows_are_steps_too(attributed: Attributed) -> None:
    program = Program()
    for _ in range(5):
        program.replay_as_one_row(graph=3)
    attribution = attributed(program.export)
    assert steps(attribution) == [("decode", 1)] * 5
    assert sources(attribution) == {"graph_launches"}


@pytest.mark.parametrize("kernels", [["a"], ["a", "b", "c", "d"], ["a"] * 50, STEP[:5]])
def test_where_nothing_repeats_everything_is_other(attributed: Attributed, kernels: list[str]) -> None:
    attribution = attributed(Program().launch(kernels).export)
    assert steps(attribution) == []
    assert set(attribution.placement.phase.tolist()) == {PHASES.index("other")}
    assert sources(attribution) == set()


def test_steps_told_by_ranges_are_not_inferred_anew(attributed: Attributed) -> None:
    program = Program()
    for number in range(3):
        program.export.range(f"decode_step {number}", program.at, program.at + 200)
        program.launch(["a", "b"])
    for _ in range(6):
        program.launch(STEP)
    attribution = attributed(program.export)
    assert steps(attribution) == [("decode", 2)] * 3
    assert sources(attribution) == {"ranges"}


def test_one_decode_range_around_the_loop_is_divided(attributed: Attributed) -> None:
    program = Program().launch(["fill"] * 3)
    begin = program.at
    for _ in range(5):
        program.launch(STEP)
    program.export.range("decode", begin, program.at)
    attribution = attributed(program.launch(STEP).export)
    assert steps(attribution) == [("decode", len(STEP))] * 5
    assert sources(attribution) == {"inferred"}


def test_what_is_left_over_of_a_divided_range_is_other(attributed: Attributed) -> None:
    """The loop's range also holds what comes before its first step and after its last one."""
    program = Program().launch(["fill"] * 3)
    begin = program.at
    program.launch(["reset", "seed"])
    for _ in range(20):
        program.launch(STEP).fetch_token()
    program.launch(["detokenize", "free"])
    program.export.call("cudaFree_v3020", program.at, program.at + 10)
    program.export.range("decode", begin, program.at + 50)
    attribution = attributed(program.export)
    placement, names = attribution.placement, attribution.trace.texts(attribution.trace.operations.name)
    assert steps(attribution) == [("decode", len(STEP) + 1)] * 20
    left_over = [row for row, phase in enumerate(placement.phase.tolist()) if phase == PHASES.index("other")]
    assert [names[row] for row in left_over] == ["fill", "fill", "fill", "reset", "seed", "detokenize", "free"]
    assert (placement.step[left_over] == NONE).all()
    assert PHASES[placement.call_phase[-1]] == "other"


def test_one_decode_range_in_which_nothing_repeats_is_one_step(attributed: Attributed) -> None:
    program = Program().launch(STEP[:5])
    program.export.range("decode", 0, program.at)
    attribution = attributed(program.export)
    assert steps(attribution) == [("decode", 5)]
    assert sources(attribution) == {"ranges"}


def test_load_and_warmup_are_left_out_of_the_inference(attributed: Attributed) -> None:
    program = Program()
    for _ in range(4):
        program.launch(STEP)
    program.export.range("warmup", 0, program.at)
    for _ in range(5):
        program.launch(STEP)
    attribution = attributed(program.export)
    assert steps(attribution) == [("decode", len(STEP))] * 5
    assert attribution.placement.phase.tolist().count(PHASES.index("warmup")) == 4 * len(STEP)


def test_each_process_has_steps_of_its_own(attributed: Attributed) -> None:
    export = Export()
    for pid in (7, 8):
        for number in range(5 * len(STEP)):
            at = 100 * number + pid
            export.launch(STEP[number % len(STEP)], at, at + 20, at + 90, pid=pid, tid=pid)
    attribution = attributed(export)
    assert steps(attribution) == [("decode", len(STEP))] * 10
    assert attribution.placement.steps.process.tolist() == [0] * 5 + [1] * 5


def test_calls_of_an_inferred_step_belong_to_it(attributed: Attributed) -> None:
    program = Program()
    for _ in range(5):
        program.launch(STEP).fetch_token()
    attribution = attributed(program.export)
    placement, calls = attribution.placement, attribution.trace.calls
    waits = [row for row, name in enumerate(attribution.trace.texts(calls.name)) if "Synchronize" in name]
    assert placement.call_step[waits].tolist() == [0, 1, 2, 3, 4]
