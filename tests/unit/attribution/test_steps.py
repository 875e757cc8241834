from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution
from workbench.attribution.inference import InferredStep
from workbench.attribution.phases import DECODE
from workbench.trace.model import NONE

Attributed = Callable[[Export], Attribution]


def bounds(attribution: Attribution) -> list[tuple[int, int]]:
    steps = attribution.placement.steps
    return list(zip(steps.begin_ns.tolist(), steps.end_ns.tolist(), strict=True))


def test_a_step_lasts_until_the_next_begins_and_the_last_to_its_own_end(attributed: Attributed) -> None:
    export = Export()
    for step in range(3):
        at = 1000 * step
        export.range(f"decode_step {step}", at, at + 500)
        export.launch("a", at + 10, at + 100, at + 200)
        export.launch("b", at + 20, at + 250, at + 300)
    assert bounds(attributed(export)) == [(100, 1100), (1100, 2100), (2100, 2300)]


def test_a_step_ends_with_its_own_last_operation_before_another_phase(attributed: Attributed) -> None:
    export = Export()
    names = ("prefill", "decode_step 0", "warmup", "decode_step 1")
    for number, name in enumerate(names):
        at = 1000 * number
        export.range(name, at, at + 500)
        export.launch("a", at + 10, at + 100, at + 200)
    assert bounds(attributed(export)) == [(100, 200), (1100, 1200), (3100, 3200)]


def test_copies_and_memsets_belong_to_steps_and_may_begin_them(attributed: Attributed) -> None:
    export = Export()
    export.range("decode_step 0", 0, 500)
    export.copy(1, 8, 50, 60, export.call("cudaMemcpyAsync_v3020", 5, 8))
    export.launch("a", 10, 100, 200)
    export.memset(8, 300, 310, export.call("cudaMemsetAsync_v3020", 20, 22))
    assert bounds(attributed(export)) == [(50, 310)]


def test_a_range_that_put_nothing_on_the_gpu_is_no_step(attributed: Attributed) -> None:
    export = Export()
    export.range("decode_step 0", 0, 500)
    export.call("cudaStreamSynchronize_v3020", 10, 20)
    export.range("decode_step 1", 600, 900)
    export.launch("a", 610, 700, 800)
    attribution = attributed(export)
    assert attribution.placement.steps.number.tolist() == [1]
    assert attribution.placement.call_step.tolist() == [NONE, 0]


def test_calls_belong_to_the_step_whose_range_they_are_made_in(attributed: Attributed) -> None:
    export = Export()
    for step in range(2):
        at = 1000 * step
        export.range(f"decode_step {step}", at, at + 500)
        export.launch("a", at + 10, at + 100, at + 200)
        export.call("cudaStreamSynchronize_v3020", at + 30, at + 200)
        export.call("cudaMalloc_v3020", at + 600, at + 610)
    assert attributed(export).placement.call_step.tolist() == [0, 0, NONE, 1, 1, NONE]


def test_steps_of_a_process_are_measured_by_themselves(attributed: Attributed) -> None:
    export = Export()
    for step in range(2):
        for pid, offset in ((7, 0), (8, 300)):
            at = 1000 * step + offset
            export.range(f"decode_step {step}", at, at + 200, pid=pid, tid=pid)
            export.launch("a", at + 10, at + 100, at + 150, pid=pid, tid=pid)
    attribution = attributed(export)
    assert attribution.placement.steps.process.tolist() == [0, 0, 1, 1]
    assert bounds(attribution) == [(100, 1100), (1100, 1150), (400, 1400), (1400, 1450)]


@pytest.mark.parametrize("digits", [19, 20, 25, 5000])
def test_a_number_too_long_for_a_step_or_layer_is_none(attributed: Attributed, digits: int) -> None:
    export = Export()
    export.range("decode_step " + "9" * digits, 0, 500)
    export.range("model.layers." + "9" * digits + ".mlp", 5, 400)
    export.launch("gemv", 10, 100, 200)
    attribution = attributed(export)
    assert attribution.placement.steps.number.tolist() == [0]


@pytest.mark.parametrize("payload", [2**63 - 1, 10**18, -5])
def test_a_payload_that_can_be_no_step_is_no_number(attributed: Attributed, payload: int) -> None:
    export = Export()
    for step in range(2):
        export.range("decode_step", 1000 * step, 1000 * step + 500, payload=payload)
        export.launch("gemv", 1000 * step + 10, 1000 * step + 100, 1000 * step + 200)
    assert attributed(export).placement.steps.number.tolist() == [0, 1]


def test_an_inferred_step_without_operations_leaves_the_calls_of_the_others(
    attributed: Attributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = Export()
    for step in range(3):
        at = 1000 * step
        export.launch("a", at + 10, at + 100, at + 200)
        export.call("cudaStreamSynchronize_v3020", at + 30, at + 150)
        export.call("cudaMalloc_v3020", at + 600, at + 650)
    rows = [np.array(own, np.int64) for own in ([0], [], [1], [], [2])]
    found = [InferredStep(DECODE, own, "inferred") for own in rows]
    monkeypatch.setattr("workbench.attribution.steps.infer_steps", lambda *_: found)
    placement = attributed(export).placement
    assert placement.steps.number.tolist() == [0, 2, 4]
    assert placement.call_step.tolist() == [0, 0, NONE, 1, 1, NONE, 2, 2, NONE]
