from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import PHASES, LayerRules
from workbench.trace.model import Trace

Attributed = Callable[[Export], Attribution]


def phases(attribution: Attribution) -> list[str]:
    return [PHASES[phase] for phase in attribution.placement.phase.tolist()]


def step_numbers(attribution: Attribution) -> list[tuple[str, int]]:
    steps = attribution.placement.steps
    return [(PHASES[phase], number) for phase, number in zip(steps.phase.tolist(), steps.number.tolist(), strict=True)]


def program(*ranges: tuple[str, int | None]) -> Export:
    """One range after the other, named and with a payload, each with one kernel."""
    export = Export()
    for number, (name, payload) in enumerate(ranges):
        export.range(name, 1000 * number, 1000 * number + 900, payload=payload)
        export.launch("k", 1000 * number + 10, 1000 * number + 50, 1000 * number + 100)
    return export


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("load", "load"),
        ("load_model", "load"),
        ("warmup", "warmup"),
        ("Warm-up 3", "warmup"),
        ("prefill", "prefill"),
        ("prefill_chunk 2", "prefill"),
        ("decode", "decode"),
        ("decode_step 17", "decode"),
        ("decode:4", "decode"),
        ("decoder", "other"),
        ("loader", "other"),
        ("prefill cache", "other"),
    ],
)
def test_names_of_phases(attributed: Attributed, name: str, phase: str) -> None:
    assert phases(attributed(program((name, None)))) == [phase]


def test_steps_are_numbered_by_name_or_payload_and_else_counted(attributed: Attributed) -> None:
    by_name = program(("prefill", None), ("decode_step 7", None), ("decode_step 8", None))
    assert step_numbers(attributed(by_name)) == [("prefill", 0), ("decode", 7), ("decode", 8)]
    by_payload = program(("decode", 12), ("decode", 13))
    assert step_numbers(attributed(by_payload)) == [("decode", 12), ("decode", 13)]
    counted = program(("prefill", None), ("decode", None), ("decode", None), ("decode", None))
    assert step_numbers(attributed(counted)) == [("prefill", 0), ("decode", 0), ("decode", 1), ("decode", 2)]


def test_equal_numbers_in_one_process_are_one_step(attributed: Attributed) -> None:
    assert step_numbers(attributed(program(("decode", 1), ("decode", 1), ("decode", 2)))) == [
        ("decode", 1),
        ("decode", 2),
    ]


def test_equal_numbers_in_two_processes_are_two_steps(attributed: Attributed) -> None:
    export = Export()
    for pid in (7, 8):
        export.range("decode_step 1", 0, 100, pid=pid, tid=pid)
        export.launch("k", 10, 50 + pid, 90, pid=pid, tid=pid)
    assert step_numbers(attributed(export)) == [("decode", 1), ("decode", 1)]


@pytest.mark.parametrize("outer", ["load", "warmup"])
def test_load_and_warmup_win_over_what_is_inside_them(attributed: Attributed, outer: str) -> None:
    export = Export()
    export.range(outer, 0, 1000)
    export.range("decode_step 1", 100, 200)
    export.launch("k", 150, 300, 310)
    attribution = attributed(export)
    assert phases(attribution) == [outer]
    assert step_numbers(attribution) == []


def test_a_warmup_left_open_wins_over_any_number_of_steps_left_open_inside_it(attributed: Attributed) -> None:
    export = Export()
    export.launch("k", 5, 10, 20)
    export.range("warmup", 30, None)
    for number in range(500):
        export.range(f"decode_step {number}", 100 * number + 100, None)
        export.launch("k", 100 * number + 110, 100 * number + 150, 100 * number + 160)
    assert phases(attributed(export)) == ["other"] + ["warmup"] * 500


def test_of_steps_left_open_the_last_one_begun_counts(attributed: Attributed) -> None:
    export = Export()
    for number in range(500):
        export.range(f"decode_step {number}", 100 * number, None)
        export.launch("k", 100 * number + 10, 100 * number + 50, 100 * number + 60)
    assert step_numbers(attributed(export)) == [("decode", number) for number in range(500)]


def test_the_number_is_of_the_innermost_range_of_the_phase_that_has_one(attributed: Attributed) -> None:
    export = Export()
    export.range("decode_step 3", 0, 900)
    export.range("decode_step 4", 100, 800)
    export.range("prefill 9", 150, 780)
    export.range("decode", 200, 700)
    export.launch("k", 300, 400, 410)
    assert step_numbers(attributed(export)) == [("decode", 4)]


def test_the_innermost_of_prefill_and_decode_wins(attributed: Attributed) -> None:
    export = Export()
    export.range("prefill", 0, 1000)
    export.range("decode_step 1", 100, 200)
    export.launch("k", 150, 300, 310)
    export.launch("k", 500, 510, 520)
    assert phases(attributed(export)) == ["decode", "prefill"]


def test_a_phase_may_be_a_start_end_range(attributed: Attributed) -> None:
    export = Export()
    export.range("decode_step 3", 0, 1000, style="start_end", end_tid=9)
    export.launch("k", 150, 300, 310)
    assert step_numbers(attributed(export)) == [("decode", 3)]


def test_phase_and_step_come_from_where_the_graph_was_launched(attributed: Attributed) -> None:
    export = Export()
    export.range("warmup", 0, 100)
    export.node(1, 50)
    for step in range(2):
        export.range(f"decode_step {step}", 1000 * step + 200, 1000 * step + 300)
        launch = export.call("cudaGraphLaunch_v10000", 1000 * step + 210, 1000 * step + 220)
        export.kernel("k", 1000 * step + 250, 1000 * step + 260, launch, node=1)
    attribution = attributed(export)
    assert phases(attribution) == ["decode", "decode"]
    assert step_numbers(attribution) == [("decode", 0), ("decode", 1)]


def test_rules_of_the_user_name_phases_too(read: Callable[[Export], Trace], rules: LayerRules) -> None:
    own = parse_rules(r"phases: [{range: '^tok(?P<step>\d+)$', phase: decode}]", "own.yaml")
    attribution = attribute(read(program(("tok5", None), ("tok6", None))), own + rules)
    assert step_numbers(attribution) == [("decode", 5), ("decode", 6)]
