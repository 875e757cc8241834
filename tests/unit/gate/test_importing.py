import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import schemas
from workbench.errors import UserError
from workbench.gate.baseline import Baseline, parse_baseline
from workbench.gate.importing import import_baseline
from workbench.gate.measured import Request

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
METRICS: dict[str, Any] = {
    "model": "Qwen3-4B-Q8_0",
    "commit": "abc1234",
    "date": "2026-10-01",
    "metrics": {
        "prefill_tps": {"pp128": 9000, "pp512": 22545.0, "pp4096": 30000.5},
        "decode_tps": {"tg128": 410.0},
        "peak_memory_mb": 6100,
    },
    "thresholds": {"decode_tps": 0.97, "prefill_tps": 0.95},
}
MODELS: dict[str, Any] = {
    "gpu": "NVIDIA GeForce RTX 5090",
    "models": {
        "Qwen3-4B-Q8_0.gguf": {"pp512": 22545.0, "tg256": 402.1, "size_mb": 4280},
        "Llama-3.2-3B-Q8_0.gguf": {"pp512": 30100, "tg128 @ d4096": 380},
    },
}


def imported(document: Any, **options: Any) -> Baseline:
    return import_baseline(document if isinstance(document, str) else json.dumps(document), "old.json", NOW, **options)


def refusal(document: Any, **options: Any) -> str:
    with pytest.raises(UserError) as refused:
        imported(document, **options)
    message = str(refused.value)
    assert "\n" not in message
    return message


def with_speeds(prefill: Any = None, decode: Any = None) -> dict[str, Any]:
    return {**METRICS, "metrics": {"prefill_tps": prefill or {}, "decode_tps": decode or {}}}


def test_metrics_with_thresholds() -> None:
    (model,) = imported(METRICS).models
    assert model.request == Request("Qwen3-4B-Q8_0")
    assert (model.fingerprint.model, model.fingerprint.commit, model.fingerprint.gpu) == (
        "Qwen3-4B-Q8_0",
        "abc1234",
        None,
    )
    assert model.measured_utc == "2026-10-01T00:00:00"
    assert [number.name for number in model.numbers] == ["prefill.128", "prefill.512", "prefill.4096", "decode.128"]
    decode = model.numbers[-1]
    assert decode.samples_ns == ((312_195_122,),)
    assert decode.tokens_per_s == pytest.approx(410, rel=1e-8)
    assert model.number("prefill.4096") is not None
    assert model.remarks == (
        "Imported from old.json; spread unknown.",
        "Left out, for they are no speeds that are known: peak_memory_mb.",
        'Thresholds of the file, which are not used: {"decode_tps": 0.97, "prefill_tps": 0.95}.',
    )


def test_models_by_their_files() -> None:
    one, other = imported(MODELS).models
    assert one.request == Request("Qwen3-4B-Q8_0.gguf", tests="all")
    assert one.fingerprint.gpu == "NVIDIA GeForce RTX 5090"
    assert one.measured_utc == "2026-11-21T12:00:00Z"
    assert "When it was measured is not told" in one.remarks[1]
    assert [number.name for number in other.numbers] == ["prefill.512", "decode.128@4096"]
    assert other.numbers[1].depth == 4096
    assert other.numbers[1].tokens_per_s == pytest.approx(380)


def test_what_was_imported_is_a_baseline_like_any_other() -> None:
    for document in (METRICS, MODELS):
        baseline = imported(document)
        schemas.check(baseline.to_json(), "baseline")
        assert parse_baseline(baseline.to_json(), "new.json", NOW) == baseline


def test_how_a_model_is_run_here_may_be_said() -> None:
    like = Request("qwen3-4b", weight_format="q8_0", backend="numpy")
    (model,) = imported(METRICS, like=like, gpu="NVIDIA H200").models
    assert model.request == like
    assert model.fingerprint.gpu == "NVIDIA H200"
    assert {one.request.backend for one in imported(MODELS, like=Request("", backend="numpy")).models} == {"numpy"}
    assert "holds 2 models" in refusal(MODELS, like=like)


def test_a_nameless_model_needs_a_name() -> None:
    nameless = {key: value for key, value in METRICS.items() if key != "model"}
    assert "name it with --model" in refusal(nameless)
    assert imported(nameless, like=Request("qwen3-4b")).models[0].request.model == "qwen3-4b"
    assert imported({**nameless, "metadata": {"model_name": "m"}}).models[0].request.model == "m"


@pytest.mark.parametrize("speed", ["410.0", None, True, [410.0], {"mean": 410.0}])
def test_a_speed_is_a_number(speed: object) -> None:
    assert "metrics.tg128 of old.json is no number" in refusal(with_speeds(decode={"tg128": speed}))


@pytest.mark.parametrize("speed", [0, -410.0])
def test_a_speed_is_above_zero(speed: float) -> None:
    assert "which is no speed" in refusal(with_speeds(decode={"tg128": speed}))


@pytest.mark.parametrize(
    "speeds",
    [
        {"prefill": {"pp512": 22.7}, "decode": {"tg128": 410}},
        {"prefill": {"pp512": 22.7, "pp4096": 180.0}, "decode": {"tg128": 312.0}},
        {"prefill": {"pp512": 22545}, "decode": {"tg128": 2.44}},
    ],
)
def test_milliseconds_are_refused(speeds: dict[str, Any]) -> None:
    assert "it looks like milliseconds, not tokens per second" in refusal(with_speeds(**speeds))


def test_speeds_beyond_the_device_are_refused() -> None:
    """A 4B model at 2 bits is 1 GB; an RTX 5090 reads 1792 of them a second at most."""
    fast = {**MODELS, "models": {"Qwen3-4B-Q8_0.gguf": {"pp512": 22545.0, "tg256": 2200}}}
    assert "the memory of NVIDIA GeForce RTX 5090 allows 1.88" in refusal(fast)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "is empty"),
        ('{"models": {"a": {"tg128"', "cut short"),
        ('{"models": {"a": {"tg128": NaN}}}', "NaN is no JSON number"),
        ("[1]", "no JSON object"),
        ({"schema": "wb.baseline/1"}, "a baseline of ours already"),
        ({}, "of neither layout"),
        ({"models": {}}, "of neither layout"),
        ({"models": {"a.gguf": 3}}, "models.a.gguf of old.json holds no speeds"),
        ({"models": {"a.gguf": {"size": 3}}}, "holds no speed"),
        ({"models": {"a.gguf": {"tg0": 3}}}, "no tokens"),
        ({"models": {"a.gguf": {"tg128": 3, "tg128@0": 4}}}, "holds decode.128 twice"),
        ({"model": "m", "metrics": {}}, "holds no speed"),
        ({"model": "m", "metrics": {"decode_tps": [410]}}, "metrics.decode_tps of old.json holds no speeds"),
        ({**METRICS, "date": "2027-03-01"}, "lies in the future"),
    ],
)
def test_what_cannot_be_read_is_refused(document: Any, message: str) -> None:
    assert message in refusal(document)


def test_a_speed_too_low_for_any_time_is_refused() -> None:
    assert "which is no speed" in refusal('{"models": {"m": {"tg128": 1e-320}}}')
    assert "1e-300 tokens per second, which is no speed" in refusal('{"models": {"m": {"tg128": 1e-300}}}')


def test_half_of_a_character_is_refused() -> None:
    assert "half of a character" in refusal('{"models": {"m\\ud800": {"tg128": 100}}}')
    assert imported('{"models": {"m\\ud83d\\ude00": {"tg128": 100}}}').models[0].request.model == "m\U0001f600"


def test_a_bench_told_twice_is_refused() -> None:
    assert "'tg128' stands twice in one object" in refusal('{"models": {"m": {"tg128": 100, "tg128": 101}}}')
