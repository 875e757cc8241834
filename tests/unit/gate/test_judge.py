from dataclasses import replace
from typing import Any

import pytest

from tests.unit.gate.measured_models import CONDITIONS, FACTS, FINGERPRINT, MEMORY, RESULTS, measured, number
from workbench.errors import UserError
from workbench.gate.baseline import Baseline
from workbench.gate.judge import judge
from workbench.gate.measured import MeasuredModel, Request, Results
from workbench.gate.verdict import GateReport, GateResult, ModelVerdict, Status

CREATED = "2026-11-21T10:30:00Z"
# On a CPU there are no graphs, and no calls of CUDA's.
CPU = Request("tiny-qwen3", backend="numpy")


def of(**others: Any) -> MeasuredModel:
    return measured(**{"request": CPU, "captures": (), **others})


def report(now: MeasuredModel, then: MeasuredModel | None = None, **options: Any) -> GateReport:
    return judge(Baseline(CREATED, (then or of(),)), [now], **options)


def verdict(now: MeasuredModel, then: MeasuredModel | None = None, **options: Any) -> ModelVerdict:
    (model,) = report(now, then, **options).models
    return model


def gate(model: ModelVerdict, name: str) -> GateResult:
    return next(one for one in model.gates if one.gate == name)


def statuses(model: ModelVerdict) -> dict[str, Status]:
    return {one.gate: one.status for one in model.gates}


def test_an_unchanged_model_passes() -> None:
    found = report(of(seed=2), name="base.json")
    assert (found.status, found.exit_code, found.baseline, found.tolerance) == (Status.PASSED, 0, "base.json", 0.01)
    assert statuses(found.models[0]) == {
        "comparable": Status.PASSED,
        "speed": Status.PASSED,
        "layers": Status.NOT_RUN,
        "memory": Status.PASSED,
        "graphs": Status.NOT_RUN,
        "steady_state": Status.NOT_RUN,
        "results": Status.PASSED,
    }


@pytest.mark.parametrize(
    ("now", "failed"),
    [
        (of(seed=2, factor=1.05), "speed"),
        (of(seed=2, memory=replace(MEMORY, peak_bytes=6_000_000_000)), "memory"),
        (of(seed=2, results=Results("7" * 64)), "results"),
    ],
)
def test_a_gate_that_fails_fails_the_whole(now: MeasuredModel, failed: str) -> None:
    found = report(now)
    assert (found.status, found.exit_code) == (Status.FAILED, 1)
    assert [name for name, status in statuses(found.models[0]).items() if status is Status.FAILED] == [failed]


def test_options_reach_the_gates() -> None:
    assert verdict(of(seed=2, factor=1.05), tolerance=0.1).status is Status.PASSED
    near = Results("7" * 64, logits=(0.5, -1.25, 3.0))
    assert verdict(of(seed=2, results=near), logits_distance=0.3).status is Status.PASSED


def test_a_call_in_a_step_fails_on_a_gpu() -> None:
    on_gpu = {"request": Request("qwen3-4b"), "captures": (FACTS,)}
    allocating = replace(FACTS, breaking_calls=(("cudaMalloc", 1.0),))
    found = verdict(measured(**{**on_gpu, "captures": (allocating,)}), measured(**on_gpu))
    assert gate(found, "steady_state").status is Status.FAILED
    assert found.status is Status.FAILED


@pytest.mark.parametrize(
    "now",
    [
        of(seed=2, conditions=replace(CONDITIONS, other_processes=1)),
        of(seed=2, conditions=replace(CONDITIONS, sm_clock_mhz=1000)),
        of(seed=2, fingerprint=replace(FINGERPRINT, gpu="NVIDIA H100")),
        of(seed=2, fingerprint=replace(FINGERPRINT, driver="1")),
    ],
)
@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_what_cannot_be_compared_is_shown_and_not_judged(now: MeasuredModel, factor: float) -> None:
    slow = replace(now, numbers=of(seed=2, factor=factor).numbers)
    found = report(slow)
    assert (found.status, found.exit_code) == (Status.UNDECIDED, 2)
    speed = gate(found.models[0], "speed")
    assert speed.status is Status.UNDECIDED
    assert "The two cannot be compared. As it is: " in speed.sentence
    assert {line.status for line in speed.lines} == {Status.FAILED if factor > 1 else Status.PASSED}


def test_a_depressed_machine_computes_and_keeps_the_same() -> None:
    """So other results, or more memory, fail all the same."""
    depressed = of(seed=2, conditions=replace(CONDITIONS, other_processes=1), results=Results("7" * 64))
    assert statuses(verdict(depressed))["results"] is Status.FAILED
    assert verdict(depressed).status is Status.FAILED
    larger = replace(depressed, results=RESULTS, memory=replace(MEMORY, weights_bytes=5_000_000_000))
    assert verdict(larger).status is Status.FAILED


def test_another_gpu_may_round_otherwise() -> None:
    other = of(seed=2, fingerprint=replace(FINGERPRINT, gpu="NVIDIA H100"), results=Results("7" * 64))
    assert statuses(verdict(other))["results"] is Status.UNDECIDED
    assert verdict(other).status is Status.UNDECIDED


def test_what_is_implausible_is_not_judged() -> None:
    broken = of(numbers=(number("prefill.512", 9e6), number("decode.128", 1e5)))
    found = verdict(broken)
    assert statuses(found) == {"comparable": Status.UNDECIDED}
    assert "implausible" in found.gates[0].sentence


def test_a_missing_model_makes_nothing_green() -> None:
    other = of(request=Request("other", backend="numpy"))
    found = judge(Baseline(CREATED, (of(), other)), [of(seed=2)])
    assert (found.status, found.exit_code) == (Status.UNDECIDED, 2)
    assert [model.status for model in found.models] == [Status.PASSED, Status.UNDECIDED]
    assert found.models[1].model == "other"
    assert "was not run" in found.models[1].gates[0].sentence


def test_a_model_that_the_baseline_lacks_makes_nothing_green() -> None:
    found = judge(Baseline(CREATED, (of(),)), [of(seed=2), of(request=Request("other", backend="numpy"))])
    assert [model.status for model in found.models] == [Status.PASSED, Status.UNDECIDED]
    assert "is not in the baseline" in found.models[1].gates[0].sentence


def test_nothing_run_is_nothing_passed() -> None:
    assert judge(Baseline(CREATED, (of(),)), []).exit_code == 2
    assert judge(Baseline(CREATED, ()), []).exit_code == 2


def test_models_of_one_name_are_told_apart() -> None:
    formats = [of(request=replace(CPU, weight_format=one)) for one in (None, "q8_0")]
    found = judge(Baseline(CREATED, tuple(formats)), formats)
    assert [model.model for model in found.models] == [
        "tiny-qwen3 (weight format by default)",
        "tiny-qwen3 (weight format q8_0)",
    ]


def test_a_variant_is_gated_where_it_is_declared() -> None:
    slow = of(
        request=replace(CPU, variants=("no-pdl",)),
        fingerprint=replace(FINGERPRINT, variant="no-pdl"),
        seed=2,
        factor=1.05,
    )
    assert report(slow).status is Status.UNDECIDED
    found = report(slow, vary=("commit", "variant"))
    assert (found.status, len(found.models)) == (Status.FAILED, 1)


def test_an_exact_match_goes_before_a_variant() -> None:
    without = replace(CPU, variants=("no-pdl",))
    kept = Baseline(CREATED, (of(request=without, factor=1.05), of()))
    now = [of(seed=2), of(request=without, seed=2, factor=1.05)]
    assert judge(kept, now, vary=("variant",)).status is Status.PASSED


def test_mistakes_are_refused() -> None:
    with pytest.raises(UserError, match="no factor"):
        report(of(), vary=("weather",))
    with pytest.raises(ValueError, match="twice"):
        judge(Baseline(CREATED, (of(),)), [of(), of()])
