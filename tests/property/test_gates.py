import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests import schemas
from tests.unit.gate.measured_models import CONDITIONS, FINGERPRINT, measured
from workbench.errors import UserError
from workbench.gate import comparable, memory, results, speed
from workbench.gate.baseline import Baseline, parse_baseline
from workbench.gate.importing import import_baseline
from workbench.gate.judge import judge
from workbench.gate.measured import MeasuredModel, Memory, Number, Request, Results
from workbench.gate.verdict import GateResult, Status

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CREATED = "2026-11-21T10:00:00Z"
for_any_models = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RANKS = {Status.PASSED: 0, Status.NOT_RUN: 1, Status.UNDECIDED: 1, Status.FAILED: 2}

names = st.sampled_from(["prefill.128", "prefill.512", "decode.128", "decode.128@4096"])
# Around a millisecond a token, a few per cent apart.
shares = st.floats(-0.1, 0.1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def numbers(draw: st.DrawFn, name: str) -> Number:
    phase, rest = name.split(".")
    tokens, _, depth = rest.partition("@")
    processes = draw(st.lists(st.lists(shares, min_size=1, max_size=3), min_size=1, max_size=4))
    samples = tuple(tuple(round(1e6 * int(tokens) * (1 + share)) for share in process) for process in processes)
    return Number(name, phase, int(tokens), int(depth or 0), None if phase == "prefill" else True, samples)


@st.composite
def models(draw: st.DrawFn, name: str = "model") -> MeasuredModel:
    chosen = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    sizes = st.integers(0, 10**10)
    return measured(
        request=Request(name, backend="numpy"),
        numbers=tuple(draw(numbers(one)) for one in chosen),
        memory=draw(st.none() | st.builds(Memory, sizes, sizes, sizes, sizes)),
        results=draw(
            st.builds(
                Results,
                st.none() | st.sampled_from(["0" * 64, "1" * 64]),
                st.lists(st.integers(0, 9), max_size=3).map(tuple),
                st.none(),
                st.lists(st.floats(-9, 9), max_size=2).map(tuple),
            )
        ),
        conditions=replace(
            CONDITIONS, sm_clock_mhz=draw(st.none() | st.integers(100, 1980)), other_processes=draw(st.integers(0, 2))
        ),
        fingerprint=replace(FINGERPRINT, gpu=draw(st.none() | st.sampled_from(["NVIDIA H200", "NVIDIA H100"]))),
        captures=(),
        step_weight_bytes=None,
        remarks=tuple(draw(st.lists(texts, max_size=2))),
    )


@for_any_models
@given(models())
def test_a_baseline_comes_back_as_it_was(model: MeasuredModel) -> None:
    baseline = Baseline(CREATED, (model,))
    text = baseline.to_json()
    schemas.check(text, "baseline")
    assert parse_baseline(text, "it", NOW) == baseline
    assert parse_baseline(json.dumps(json.loads(text), sort_keys=True, ensure_ascii=True), "it", NOW) == baseline


@for_any_models
@given(models(), st.data())
def test_whatever_is_edited_is_refused_in_one_sentence(model: MeasuredModel, data: st.DataObject) -> None:
    document = json.loads(Baseline(CREATED, (model,)).to_json())
    place: Any = document
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        break
    before = json.dumps(place[key])
    place[key] = data.draw(json_values)
    # 1.0 for 1 is no edit.
    assume(json.dumps(place[key]) != before and place[key] != json.loads(before))
    with pytest.raises(UserError) as refused:
        parse_baseline(json.dumps(document), "it", NOW)
    assert "\n" not in str(refused.value)


@for_any_models
@given(models(), st.integers(0, 10**6))
def test_a_baseline_that_is_cut_short_is_refused(model: MeasuredModel, length: int) -> None:
    text = Baseline(CREATED, (model,)).to_json().rstrip()
    with pytest.raises(UserError):
        parse_baseline(text[: length % len(text)], "it", NOW)


@given(json_values | st.fixed_dictionaries({"metrics": json_values}) | st.fixed_dictionaries({"models": json_values}))
def test_whatever_is_imported_is_a_baseline_or_refused(document: Any) -> None:
    try:
        baseline = import_baseline(json.dumps(document), "it", NOW)
    except UserError:
        return
    assert parse_baseline(baseline.to_json(), "it", NOW) == baseline


@given(st.floats(0.01, 1e5), st.integers(1, 8192))
def test_an_imported_speed_is_the_speed_that_was_told(speed_told: float, tokens: int) -> None:
    document = {"models": {"m": {f"tg{tokens}": speed_told}}}
    (model,) = import_baseline(json.dumps(document), "it", NOW).models
    assert abs(model.numbers[0].tokens_per_s / speed_told - 1) < 1e-4


@for_any_models
@given(models())
def test_nothing_differs_from_itself(model: MeasuredModel) -> None:
    found = speed.judge(model, model)
    assert found.status is not Status.FAILED
    assert all(line.change == 0 for line in found.lines)
    assert memory.judge(model, model).status is (Status.PASSED if model.memory else Status.NOT_RUN)
    assert results.judge(model, model).status is (Status.PASSED if model.results.tokens_sha256 else Status.NOT_RUN)


@for_any_models
@given(models(), models(), st.floats(0, 0.2), st.floats(0, 0.2))
def test_a_larger_tolerance_fails_no_more(one: MeasuredModel, other: MeasuredModel, low: float, more: float) -> None:
    for gate in (speed.judge, memory.judge):
        strict, lenient = gate(one, other, low), gate(one, other, low + more)
        assert RANKS[lenient.status] <= RANKS[strict.status]


@for_any_models
@given(models(), models(), st.floats(1.0, 2.0))
def test_a_slower_run_is_judged_no_better(one: MeasuredModel, other: MeasuredModel, factor: float) -> None:
    def slower(number: Number) -> Number:
        samples = tuple(tuple(round(time_ns * factor) for time_ns in times) for times in number.samples_ns)
        return replace(number, samples_ns=samples)

    before = {line.name: line for line in speed.judge(one, other).lines if line.change is not None}
    slow = speed.judge(one, replace(other, numbers=tuple(map(slower, other.numbers))))
    after = {line.name: line for line in slow.lines if line.change is not None}
    for name, line in before.items():
        assert (after[name].change or 0) >= (line.change or 0) - 1e-6
        if line.interval and line.interval[1] > 0.03 + 1e-6:
            assert after[name].status is not Status.PASSED


@for_any_models
@given(models(), models())
def test_the_status_follows_from_the_lines(one: MeasuredModel, other: MeasuredModel) -> None:
    found: list[GateResult] = [speed.judge(one, other), memory.judge(one, other), comparable.judge(one, other)]
    for gate in found:
        statuses = {line.status for line in gate.lines}
        assert gate.sentence.endswith((".", "…"))
        if Status.FAILED in statuses:
            assert gate.status is Status.FAILED
        elif Status.UNDECIDED in statuses:
            assert gate.status is Status.UNDECIDED
        else:
            assert gate.status is not Status.FAILED


@for_any_models
@given(models(), models(), st.booleans())
def test_green_means_that_all_was_run_and_nothing_failed(one: MeasuredModel, other: MeasuredModel, both: bool) -> None:
    baseline = Baseline(CREATED, (one, replace(one, request=Request("missing", backend="numpy")))[: 1 + both])
    report = judge(baseline, [other])
    if report.exit_code == 0:
        assert not both
        assert {number.name for number in one.numbers} <= {number.name for number in other.numbers}
        assert one.fingerprint.gpu == other.fingerprint.gpu
        assert (one.results.tokens_sha256 or "") in ("", other.results.tokens_sha256)
