import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import schemas
from tests.unit.gate.measured_models import measured, noisy, number
from workbench.errors import UserError
from workbench.gate.baseline import Baseline, difference, parse_baseline
from workbench.gate.changes import Kind
from workbench.gate.measured import Conditions, Request, Results

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CREATED = "2026-11-21T10:30:00Z"


def baseline(**others: Any) -> Baseline:
    decodes = (number("decode.128", 1.8e8, 1.82e8), number("decode.128.graphs_off", 3.6e8, 3.64e8))
    whole = measured(numbers=(number("prefill.512", 9e6, 9.1e6), *decodes))
    bare = measured(
        request=Request("tiny-qwen3", variants=("no-pdl",), backend="numpy"), memory=None, copy_bytes_per_s=None,
        step_weight_bytes=None, captures=(), results=Results(None), conditions=Conditions(), remarks=(),
    )  # fmt: skip
    return replace(Baseline(CREATED, (whole, bare)), **others)


def parse(text: str) -> Baseline:
    return parse_baseline(text, "base.json", NOW)


def refusal(text: str) -> str:
    with pytest.raises(UserError) as refused:
        parse(text)
    message = str(refused.value)
    assert message.startswith("base.json ")
    assert "\n" not in message
    return message


def edited(edit: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(baseline().to_json())
    edit(document)
    return json.dumps(document)


def test_a_baseline_comes_back_as_it_was() -> None:
    assert parse(baseline().to_json()) == baseline()


def test_its_text_is_of_the_schema() -> None:
    schemas.check(baseline().to_json(), "baseline")


def test_what_follows_from_the_samples_is_there_to_be_read() -> None:
    model = json.loads(baseline().to_json())["models"][0]
    decode = model["numbers"][1]
    assert decode["median_ns"] == 181_000_000
    assert decode["medians_ns"] == [180_000_000, 182_000_000]
    assert decode["tokens_per_s"] == pytest.approx(128 / 0.181)
    assert decode["spread_between"] == pytest.approx(2**0.5 / 181)
    assert 0.0005 < decode["spread_within"] < 0.002
    assert model["graphs_ratios"] == {"decode.128": 2.0}


def test_another_layout_of_the_same_numbers_is_no_change() -> None:
    """As other programs write it: keys in another order, 4.15e12 as a whole number."""
    document = json.loads(
        baseline().to_json(), parse_float=lambda text: int(float(text)) if float(text) % 1 == 0 else float(text)
    )
    assert parse(json.dumps(document, sort_keys=True)) == baseline()


def test_what_cannot_have_been_measured_is_not_written() -> None:
    broken = measured(numbers=(number("prefill.512", 9e6), number("decode.128", 1e5)))
    with pytest.raises(UserError, match="implausible"):
        Baseline(CREATED, (broken,)).to_json()


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert "is empty" in refusal(text)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(share: float) -> None:
    text = baseline().to_json()
    assert "cut short" in refusal(text[: int(share * len(text))])


@pytest.mark.parametrize("text", ["[]", "1", '"wb.baseline/1"', "{}", "[" * 100_000])
def test_what_is_no_baseline_is_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("wb.baseline/2", "later schema wb.baseline/2"),
        ("wb.baseline/11", "later schema"),
        ("wb.baseline/0", "not of schema"),
        ("wb.diff/1", "not of schema"),
        (1, "not of schema"),
        (None, "not of schema"),
    ],
)
def test_another_schema_is_refused(schema: object, message: str) -> None:
    assert message in refusal(edited(lambda document: document.update(schema=schema)))


def test_another_programs_baseline_is_told_how_to_come_in() -> None:
    assert "wb baseline import" in refusal('{"metrics": {"decode_tps": {"tg128": 410.0}}}')


@pytest.mark.parametrize("created", ["2026-11-22T12:00:01Z", "2027-01-01", "2026-11-23T00:00:00+02:00"])
def test_a_file_from_the_future_is_refused(created: str) -> None:
    assert "created_utc lies in the future" in refusal(edited(lambda document: document.update(created_utc=created)))
    later = edited(lambda document: document["models"][1].update(measured_utc=created))
    assert "models[1].measured_utc lies in the future" in refusal(later)


def test_clocks_may_differ_by_a_day() -> None:
    tomorrow = replace(baseline(), created_utc="2026-11-22T11:00:00Z")
    assert parse(tomorrow.to_json()) == tomorrow


EDITS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda it: it["models"][0]["numbers"][1].update(median_ns=1.7e8), "median_ns does not follow from the rest"),
    (lambda it: it["models"][0]["numbers"][1].update(tokens_per_s=800), "tokens_per_s does not follow"),
    (lambda it: it["models"][0]["numbers"][1]["medians_ns"].append(1.8e8), "medians_ns does not follow"),
    (lambda it: it["models"][0]["numbers"][1]["samples_ns"][0].pop(), "does not follow"),
    (lambda it: it["models"][0].update(graphs_ratios={"decode.128": 2.5}), "graphs_ratios.decode.128 does not follow"),
    (lambda it: it["models"][0]["numbers"].append(it["models"][0]["numbers"][0]), "holds prefill.512 twice"),
    (lambda it: it["models"].append(it["models"][0]), "holds qwen3-4b twice"),
    (lambda it: it["models"][0].update(numbers=[]), "holds no numbers"),
    (lambda it: it.update(models=[]), "holds no models"),
    (lambda it: it["models"][0]["numbers"][0].update(tokens=128), "not what its phase and tokens say"),
    (lambda it: it["models"][0]["numbers"][0].update(phase="decode"), "not what its phase and tokens say"),
    (lambda it: it["models"][0]["numbers"][0].update(graphs=True), "not what its phase and tokens say"),
    (lambda it: it["models"][0]["captures"][0].update(wall_ns=1e6), "do not add up"),
    (lambda it: it["models"][0]["numbers"][0].update(samples_ns=[[1.5e6]]), "is no int"),
    (lambda it: it["models"][0]["numbers"][0].update(samples_ns="1"), "is no list"),
    (lambda it: it["models"][0]["numbers"][0].pop("samples_ns"), "samples_ns is missing"),
    (lambda it: it["models"][0].pop("results"), "results is missing"),
    (lambda it: it.pop("created_utc"), "created_utc is no str"),
    (lambda it: it.update(created_utc="yesterday"), "created_utc is no time"),
    (lambda it: it["models"][0].update(limit=3), r"models[0].limit is no member of it"),
    (lambda it: it["models"][0]["fingerprint"].update(gpus="H200"), "fingerprint.gpus is no member of it"),
    (lambda it: it["models"][0]["numbers"][1].update(samples_ns=[[0, 1]]), "implausible"),
]


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_what_contradicts_itself_is_refused(edit: Callable[[dict[str, Any]], object], message: str) -> None:
    assert message in refusal(edited(edit))


UNSEEN: list[Callable[[dict[str, Any]], object]] = [
    lambda it: it["models"][0]["fingerprint"].update(commit="b" * 40),
    lambda it: it["models"][0]["fingerprint"].pop("driver"),
    lambda it: it["models"][0]["memory"].update(cache_bytes=0),
    lambda it: it["models"][0]["results"].update(tokens_sha256=None),
    lambda it: it["models"][1]["numbers"].pop(),
    lambda it: it["models"][0]["numbers"][0].pop("median_ns"),
    lambda it: it["models"].pop(),
    lambda it: it.update(created_utc="2026-11-20T10:30:00Z"),
    lambda it: it.pop("sha256"),
    lambda it: it.update(sha256="0" * 64),
]


@pytest.mark.parametrize("edit", UNSEEN)
def test_an_edit_that_contradicts_nothing_is_refused_all_the_same(edit: Callable[[dict[str, Any]], object]) -> None:
    assert "changed since it was written" in refusal(edited(edit))


def test_a_refresh_tells_gains_from_losses() -> None:
    def of(at: float, seed: int, name: str = "qwen3-4b") -> Any:
        numbers = (noisy("prefill.512", 9e6, 0.002, seed=seed), noisy("decode.128", at, 0.002, seed=seed))
        return measured(request=Request(name), numbers=numbers)

    old = Baseline(CREATED, (of(1.8e8, 1), of(1.8e8, 1, "old")))
    new = Baseline(CREATED, (of(1.6e8, 2, "new"), of(1.6e8, 2)))
    both, gone, added = difference(old, new)
    assert {one.name: one.kind for one in both.changes if one.unit == "ns"} == {
        "prefill.512": Kind.NONE,
        "decode.128": Kind.BETTER,
    }
    assert (gone.request.model, gone.new, gone.changes) == ("old", None, ())
    assert (added.request.model, added.old, added.changes) == ("new", None, ())


def test_what_is_told_twice_is_refused() -> None:
    text = Baseline("2026-11-21T10:00:00Z", (measured(),)).to_json()
    twice = text.replace('{\n "schema"', '{\n "schema": "wb.baseline/1",\n "schema"', 1)
    assert twice != text
    with pytest.raises(UserError, match="'schema' stands twice in one object; restore it"):
        parse_baseline(twice, "b.json", NOW)
