"""What baselines say, alone, beside another, and in a README."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.gate.measured_models import FACTS, FINGERPRINT, measured, number
from workbench.gate.baseline import Baseline, ModelDifference, difference
from workbench.gate.measured import Conditions, MeasuredModel, Part, Request, Results
from workbench.report.baseline import circumstances, difference_verdict
from workbench.report.baseline_published import (
    MARK,
    Age,
    PublishedRow,
    print_published,
    published_markdown,
    published_table,
)
from workbench.report.baseline_tables import (
    change_table,
    fingerprint_sentences,
    memory_table,
    speed_table,
    step_table,
)
from workbench.report.baseline_terminal import print_difference, print_measured


def between(old: MeasuredModel, new: MeasuredModel) -> ModelDifference:
    (found,) = difference(*(Baseline("2026-11-21T10:00:00Z", (model,)) for model in (old, new)))
    return found


def shown(show: object, *arguments: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(*arguments, console)  # type: ignore[operator]
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_speeds_are_shown_with_both_spreads() -> None:
    model = measured(numbers=(number("decode.128", 1e8, 1.1e8), number("prefill.512", 1e7)))
    table = speed_table(model)
    assert table.headings[3:5] == ("spread within", "spread between")
    assert table.rows[0] == ("decode.128", "105 ms", "1 220", "0.2 %", "6.7 %", "2 x 3")
    assert table.rows[1][4] == "-"


def test_a_step_is_shown_for_graphs_and_for_single_launches() -> None:
    other = replace(FACTS, graphs=False, parts=(Part("attention", False, 800_000.0), Part("graph", True, 1.0)))
    twice = replace(FACTS, parts=(Part("attention", False, 700_000.0), *FACTS.parts[1:]))
    table = step_table(measured(captures=(FACTS, twice, other)))
    assert table.headings == ("of a step", "graphs (2 captures)", "single launches (1 capture)")
    assert table.rows[0] == ("attention", "650 µs", "800 µs")
    assert {row[0]: row[1] for row in table.rows}["kernels"] == "300"
    assert step_table(measured(captures=())).rows == ()


def test_memory_that_nobody_told_is_no_table() -> None:
    assert memory_table(measured(memory=None)).rows == ()
    assert memory_table(measured()).rows[-1] == ("peak", "5.30 GB")


def test_conditions_and_remarks_are_told() -> None:
    held = Conditions(1200, 1980, 300.0, 500.0, "P2", ("heat",), 2)
    said = " ".join(fingerprint_sentences(measured(conditions=held)))
    assert "Under load: SM clock 1200 of 1980 MHz, power 300 of 500 W, P2, held down by heat, 2 other processes" in said
    assert "A remark." in said
    assert "Under load" not in " ".join(fingerprint_sentences(measured(conditions=Conditions())))


def test_a_gain_is_called_one() -> None:
    one = between(measured(), measured(factor=0.9, seed=2))
    said = difference_verdict(one)
    assert "improved" in said
    assert "worse" not in said
    assert "worse" not in shown(print_difference, one)


def test_a_loss_is_called_one_and_both_are_told_apart() -> None:
    model = measured(factor=1.1, seed=2)
    mixed = replace(
        model,
        numbers=tuple(measured(factor=0.8).number(one.name) if one.phase == "decode" else one for one in model.numbers),  # type: ignore[misc]
    )
    assert difference_verdict(between(measured(), mixed)) == (
        "qwen3-4b: decode.128 improved; prefill.128, prefill.512 and prefill.4096 got worse."
    )
    assert difference_verdict(between(measured(), measured())) == "qwen3-4b: no number differs by more than noise."


def test_of_single_processes_it_is_said_that_nothing_can_be_told() -> None:
    one = between(*(measured(numbers=(number("decode.128", at),)) for at in (1e8, 2e8)))
    assert difference_verdict(one) == (
        "qwen3-4b: of decode.128 it cannot be told, with a single process on either side."
    )


def test_what_else_differs_is_told() -> None:
    new = measured(fingerprint=replace(FINGERPRINT, driver="590.0"), results=Results("9" * 64))
    said = " ".join(circumstances(between(measured(), new)))
    assert "They differ in driver (580.1 before, 590.0 after)." in said
    assert "They computed different tokens." in said
    assert "the same tokens" in " ".join(circumstances(between(measured(), measured())))


def test_a_model_of_one_side_alone_is_said_to_be() -> None:
    other = measured(request=Request("other"))
    found = difference(Baseline("2026-11-21T10:00:00Z", (measured(),)), Baseline("2026-11-21T10:00:00Z", (other,)))
    assert [difference_verdict(one) for one in found] == [
        "qwen3-4b is only in the old baseline.",
        "other is only in the new baseline.",
    ]
    assert all(change_table(one.changes).rows == () for one in found)


def test_everything_is_shown_in_a_terminal() -> None:
    text = shown(print_measured, measured())
    assert text.startswith("qwen3-4b")
    assert all(word in text for word in ("decode.128", "peak", "attention", "NVIDIA H200", "580.1"))


ROWS = [
    PublishedRow(measured(), Age.CURRENT),
    PublishedRow(measured(numbers=(number("decode.256@4096", 1e9, 1e9),)), Age.STALE),
    PublishedRow(
        measured(numbers=(number("decode.128", 1e8, graphs=False),), fingerprint=replace(FINGERPRINT, commit=None)),
        Age.UNKNOWN,
    ),
]


def test_the_published_table_has_a_column_a_bench_prefill_first() -> None:
    table = published_table([*ROWS, PublishedRow(measured(numbers=(number("decode.128.graphs_off", 1e9),)), Age.STALE)])
    assert table.headings[4:9] == ("prefill 128", "prefill 512", "prefill 4096", "decode 128", "decode 256@4096")
    assert [row[3] for row in table.rows] == ["current", "stale", "unknown", "stale"]
    rows = [dict(zip(table.headings, row, strict=True)) for row in table.rows]
    assert (rows[0]["decode 256@4096"], rows[1]["decode 256@4096"]) == ("-", "256")
    assert [row["graphs"] for row in rows] == ["on", "on", "off", "-"]
    assert (rows[0]["processes"], rows[1]["processes"], rows[0]["date"]) == ("5", "2", "2026-11-21")
    assert (rows[0]["commit"], rows[2]["commit"]) == ("a" * 10, "-")


def test_variants_are_named_in_the_published_table() -> None:
    model = measured(request=Request("qwen3-4b", variants=("no-pdl",)))
    assert published_table([PublishedRow(model, Age.CURRENT)]).rows[0][0] == "qwen3-4b (no-pdl)"


@pytest.mark.parametrize("age", Age)
def test_only_what_is_not_current_is_remarked_on(age: Age) -> None:
    text = published_markdown([PublishedRow(measured(), age)])
    assert text.splitlines()[-1] == f"<!-- {MARK} -->"
    # Title, heading, rule, row and mark; and a sentence, if there is something to say.
    assert len([line for line in text.splitlines() if line]) == 5 + (age is not Age.CURRENT)
    assert str(age) in shown(lambda console: print_published([PublishedRow(measured(), age)], console))
