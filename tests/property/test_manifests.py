"""What must hold whatever a program says of its work in a manifest."""

import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from tests.unit.compare.test_fingerprint import RUN
from tests.unit.compare.test_results import RESULTS
from tests.unit.findings.programs import Program
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rule_files import load_rules
from workbench.compare.comparability import FACTORS, caveats, differences, refuse_mixed
from workbench.compare.fingerprint import Fingerprint, fingerprint
from workbench.compare.results import Verdict, compare_results
from workbench.manifest import Manifest
from workbench.trace.export import read_export

_SECTIONS = {**RUN, "results": RESULTS, "logits": RESULTS["logits"]}
_NAMES = sorted(
    {*_SECTIONS, *(name for section in _SECTIONS.values() if isinstance(section, dict) for name in section)}
)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["engine.run/1", "ab" * 32, "cd" * 32, "random, bf16", "no-graphs", "36"]),
)
_ANYTHING = st.recursive(
    _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6),
    max_leaves=20,
)
_WORKLOADS = st.none() | st.dictionaries(st.sampled_from(_NAMES), _ANYTHING, max_size=8)
for_any_manifests = settings(max_examples=300, deadline=None)


@cache
def an_analysis() -> Analysis:
    program = Program()
    for _ in range(2):
        with program.step(), program.range("model.layers.0.mlp.down_proj"):
            program.kernel("gemv", 2_000)
    with tempfile.TemporaryDirectory() as folder:
        trace = read_export(program.export.write(Path(folder) / "e.sqlite"), "e.sqlite")
    return Analysis(attribute(trace, load_rules()))


def saying(workload: dict[str, Any] | None) -> Manifest:
    return replace(a_manifest(), workload=workload)


def of(workload: dict[str, Any] | None) -> Fingerprint:
    return fingerprint(saying(workload), an_analysis())


@for_any_manifests
@given(_WORKLOADS)
def test_a_fingerprint_holds_texts_on_one_line_and_is_no_other_than_itself(workload: dict[str, Any] | None) -> None:
    one = of(workload)
    for value in asdict(one).values():
        assert value is None or (isinstance(value, str) and value and value == " ".join(value.split()))
    assert not differences(one, one, ())
    refuse_mixed([("a", one), ("b", one)])


@for_any_manifests
@given(_WORKLOADS, _WORKLOADS, st.lists(st.sampled_from(FACTORS), max_size=3))
def test_differences_are_the_same_from_either_side(
    one: dict[str, Any] | None, other: dict[str, Any] | None, vary: list[str]
) -> None:
    before, after = of(one), of(other)
    there, back = differences(before, after, vary), differences(after, before, vary)
    assert [(at.field, at.before, at.after, at.kind) for at in there] == [
        (at.field, at.after, at.before, at.kind) for at in back
    ]
    assert all(at.text for at in there)
    assert len({at.field for at in there}) == len(there)
    assert all(sentence.endswith(".") for sentence in caveats(before, after))


@for_any_manifests
@given(_WORKLOADS, _WORKLOADS)
def test_results_are_compared_or_not_known(one: dict[str, Any] | None, other: dict[str, Any] | None) -> None:
    found = compare_results([saying(one)], [saying(other)])
    assert found.sentence.endswith(".")
    itself = compare_results([saying(one)], [saying(one)])
    assert itself.verdict in (Verdict.SAME, Verdict.SAME_TOKENS, Verdict.UNKNOWN)
