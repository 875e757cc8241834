"""Verification holds whatever is promised, and whatever a report says."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import capture_path
from tests.unit.compare.test_credit import change, changes, part
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rule_files import load_rules
from workbench.compare.credit import Basis, Kept, credit, kept
from workbench.compare.earlier_report import EarlierReport, parse_report
from workbench.compare.moved_parts import PartChange
from workbench.errors import UserError
from workbench.findings.document import compile_document
from workbench.findings.finding import Gain
from workbench.report.findings_json import to_json
from workbench.trace.open import open_trace

_TIMES = st.integers(0, 10_000)


@st.composite
def gains(draw: st.DrawFn) -> Gain:
    low_ns, high_ns, step_ns = sorted(draw(st.tuples(_TIMES, _TIMES, _TIMES)))
    return Gain(low_ns, high_ns, step_ns, 8, "basis", draw(st.booleans()))


_LABELS = ("mlp", "attention", "norm", "launch_starved")


@st.composite
def step_parts(draw: st.DrawFn) -> list[PartChange]:
    """Parts of a step that findings speak of at will."""
    numbers = st.lists(st.sampled_from([f"F{number}" for number in range(6)]), unique=True)
    return [
        part(label, draw(st.integers(-900, 900)), *draw(numbers), is_idle=label == "launch_starved")
        for label in _LABELS
    ]


@given(
    st.lists(gains(), min_size=1, max_size=6),
    st.integers(-10_000, 10_000),
    st.integers(-10_000, 10_000),
    step_parts(),
    step_parts(),
)
def test_what_is_credited_to_promises_adds_up_to_the_change(
    found: list[Gain], median_ns: int, mean_ns: int, median: list[PartChange], mean: list[PartChange]
) -> None:
    met = {f"F{number}": gain for number, gain in enumerate(found)}
    credited = credit(met, changes(median_ns, mean_ns), {Basis.MEDIAN: median, Basis.MEAN: mean})
    assert credited.keys() == met.keys()
    for of_mean_step in (False, True):
        own = [credited[number] for number, gain in met.items() if gain.of_mean_step is of_mean_step]
        promises = {one.together: one.promise_share for one in own}
        assert sum(promises.values()) == pytest.approx(1 if own else 0)
        assert sum(map(len, promises)) == len(own)
    for number, one in credited.items():
        assert number in one.together
        assert 0 <= one.share <= one.promise_share
        assert max(met[other].low_ns for other in one.together) == one.low_ns
        assert max(met[other].high_ns for other in one.together) == one.high_ns


@given(_TIMES, _TIMES, st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=4))
def test_a_promise_is_never_both_kept_and_broken(low_ns: int, more_ns: int, gains_ns: list[int]) -> None:
    one = change([20_000], [20_000 - gain_ns for gain_ns in gains_ns])
    outcome = kept(low_ns, low_ns + more_ns, one)
    if outcome is Kept.FELL_SHORT:
        assert one.gain_ns < low_ns
    if outcome is Kept.EXCEEDED:
        assert one.gain_ns > low_ns + more_ns
    if one.interval_ns is None and low_ns <= one.gain_ns <= low_ns + more_ns:
        assert outcome is Kept.CAME_TRUE


@cache
def _report() -> str:
    return to_json(compile_document(Analysis(attribute(open_trace(capture_path("cupy_nodes")), load_rules()))))


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


def _places(value: Any) -> list[Callable[[Any], tuple[Any, Any]]]:
    """Every place of a document: how to find its container, and the key in there."""
    found: list[Callable[[Any], tuple[Any, Any]]] = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            found.append(lambda document, path=(*path, key): _at(document, path))
            walk(value[key], (*path, key))

    walk(value, ())
    return found


def _at(document: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    for key in path[:-1]:
        document = document[key]
    return document, path[-1]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_a_report_says_it_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(_report())
    container, key = data.draw(st.sampled_from(_places(document)))(document)
    if data.draw(st.booleans()):
        container[key] = data.draw(_PLAIN)
    else:
        del container[key]
    with suppress(UserError):
        assert isinstance(parse_report(json.dumps(document), "findings.json"), EarlierReport)
