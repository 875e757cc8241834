"""Every JSON document is what its schema in the package says."""

import json
from collections.abc import Callable

import jsonschema
import pytest

from tests.schemas import check, schema
from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import KEYS
from workbench.analysis.summary import summarize
from workbench.findings.document import FindingsDocument
from workbench.report import attribution, findings_json

Document = Callable[[Analysis], FindingsDocument]


@pytest.mark.parametrize("name", ["attribution", "baseline", "calibration", "findings", "gate", "gate_commits"])
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_what_both_schemas_define_is_defined_alike() -> None:
    one, other = schema("attribution")["$defs"], schema("findings")["$defs"]
    shared = one.keys() & other.keys()
    assert {"capture", "totals", "coverage", "phase", "phase_name", "count"} <= shared
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


def test_keys_of_the_schema_are_those_of_the_command() -> None:
    assert tuple(schema("attribution")["$defs"]["key"]["enum"]) == KEYS


@pytest.mark.parametrize("keys", [("phase", "layer_type"), tuple(key for key in KEYS if key not in ("step", "layer"))])
def test_attribution_of_real_captures(real_capture: Analysis, keys: tuple[str, ...]) -> None:
    check(attribution.to_json(summarize(real_capture, keys, demangled=True)), "attribution")


@pytest.mark.parametrize("keys", [*((key,) for key in KEYS), KEYS])
def test_attribution_of_odd_captures(odd_capture: Analysis, keys: tuple[str, ...]) -> None:
    check(attribution.to_json(summarize(odd_capture, keys)), "attribution")


@pytest.mark.parametrize("phase", ["load", "decode", "other"])
def test_attribution_of_one_phase(odd_capture: Analysis, phase: str) -> None:
    check(attribution.to_json(summarize(odd_capture, phase=phase)), "attribution")


def test_findings_of_real_captures(real_capture: Analysis, document: Document) -> None:
    check(findings_json.to_json(document(real_capture)), "findings")


def test_findings_of_odd_captures(odd_capture: Analysis, document: Document) -> None:
    check(findings_json.to_json(document(odd_capture)), "findings")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "wb.attribution/2"),
        (("totals", "kernel_ns"), 1.5),
        (("coverage", "attributed_share"), 1.01),
        (("coverage", "unattributed", 0, "reason"), "no_idea"),
        (("phases", 0, "idle_ns", "asleep"), 0),
        (("phases", 0, "phase"), "decoding"),
        (("rows", 0, "layer"), "3"),
        (("rows", 0, "surprise"), 1),
        (("memops", 0, "kind"), "copy"),
    ],
)
def test_the_schema_refuses_what_is_not_so(
    real: Callable[[str], Analysis], path: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(attribution.to_json(summarize(real("hf_qwen3_eager"))))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        check(json.dumps(document), "attribution")
