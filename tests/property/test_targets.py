"""Any target formats and parses back to itself, and the grammar in the schema takes it."""

import json
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from workbench.attribution.rules import PHASES
from workbench.errors import UserError
from workbench.findings.target import MEASURES, Target, parse_target

SCHEMA: dict[str, Any] = json.loads(files("workbench").joinpath("schemas/findings.schema.json").read_text("utf-8"))


def is_of_grammar(text: str) -> bool:
    return Draft202012Validator({**SCHEMA["$defs"]["target_text"], "$defs": SCHEMA["$defs"]}).is_valid(text)


@st.composite
def targets(draw: st.DrawFn) -> Target:
    subject = draw(st.sampled_from(list(MEASURES)))
    count, measures = MEASURES[subject]
    name = st.text() | st.sampled_from(["a).mean_ns <= 3", '"', "\\", ", ", "void f<int>(int, int)", "\n", "\u2028"])
    value = st.integers(0, 10**18) | st.floats(0, allow_nan=False, allow_infinity=False)
    return Target(
        subject,
        draw(st.sampled_from(measures)),
        draw(st.sampled_from(["<=", ">=", "=="])),
        draw(value),
        draw(st.sampled_from(PHASES)),
        tuple(draw(name) for _ in range(count)),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(targets())
def test_a_target_parses_back_to_itself(target: Target) -> None:
    assert parse_target(str(target)) == target
    assert str(parse_target(str(target))) == str(target)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(targets())
def test_the_grammar_of_the_schema_takes_every_target(target: Target) -> None:
    assert is_of_grammar(str(target))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(targets(), st.data())
def test_whatever_is_read_as_a_target_is_written_as_one(target: Target, data: st.DataObject) -> None:
    text = str(target)
    place = data.draw(st.integers(0, len(text) - 1))
    with suppress(UserError):
        parsed = parse_target(text[:place] + data.draw(st.sampled_from(' ".,()[]<=0e')) + text[place + 1 :])
        assert parse_target(str(parsed)) == parsed
        assert is_of_grammar(str(parsed))


def test_the_schema_names_the_same_subjects_measures_and_phases() -> None:
    properties = SCHEMA["$defs"]["target"]["properties"]
    assert set(properties["subject"]["enum"]) == set(MEASURES)
    assert set(properties["measure"]["enum"]) == {measure for _, measures in MEASURES.values() for measure in measures}
    assert set(SCHEMA["$defs"]["phase_name"]["enum"]) == set(PHASES)


@pytest.mark.parametrize(
    "text",
    ["", "step.wall_ns < 3", "step.wall_ns <= -3", "step.wall_ns <= 1e9", "stairs.wall_ns <= 3", "step.speed <= 3"],
)
def test_the_grammar_of_the_schema_refuses_what_is_no_target(text: str) -> None:
    assert not is_of_grammar(text)
