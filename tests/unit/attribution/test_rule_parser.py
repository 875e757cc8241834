import os
from pathlib import Path

import pytest

from workbench.attribution.rule_files import MOST_BYTES, load_rules
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import Value
from workbench.errors import UserError


def test_a_layer_rule_takes_groups_by_their_names() -> None:
    (rule,) = parse_rules(r"layers: [{range: 'l\.(?P<layer>\d+)\.(?P<role>\w+)', layer_type: mlp}]", "own.yaml").layers
    assert (rule.layer_type, rule.layer, rule.role) == (Value("mlp"), Value(field="layer"), Value(field="role"))
    assert rule.source == "own.yaml:layers:1"


def test_fields_of_the_range() -> None:
    (rule,) = parse_rules(
        "layers: [{domain: engine, layer_type: '{category}', role: '{name}', layer: '{payload}'}]", "own.yaml"
    ).layers
    assert (rule.layer_type, rule.role, rule.layer) == (
        Value(field="category"),
        Value(field="name"),
        Value(field="payload"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers: [", "no valid YAML"),
        ("- 1", "must be a mapping"),
        ("layers: {}", None),
        ("layers: {a: 1}", "layers: must be a list"),
        ("layers: [{range: x}]", "layer_type is missing"),
        ("layers: [{range: '(', layer_type: mlp}]", "no regular expression"),
        ("layers: [{range: x, layer_type: mlp, rang: y}]", "unknown key 'rang'"),
        ("layers: [{range: x, layer_type: '{group}'}]", "no pattern has a group"),
        ("layers: [{range: [], layer_type: mlp}]", "range is empty"),
        ("colours: []", "unknown key 'colours'"),
        ("phases: [{range: x, phase: lunch}]", "'lunch' is no phase"),
        ("phases: [{phase: decode}]", "range is missing"),
        ("kernels: [{layer_type: mlp}]", "kernel is missing"),
        ("kernels: [{kernel: x, layer_type: mlp, symbol: ab}]", "one character"),
        ("kernels: [{kernel: x, layer_type: mlp, symbol: '+'}]", "one character"),
        ("sequences: [{is_layer: true}]", "pieces are missing"),
        ("sequences: [{pieces: [{match: '(a)', layer_type: mlp}]}]", "must not hold capturing groups"),
        ("block_input_roles: {mlp: '('}", "no regular expression"),
        ("library_domains: ['(']", "no regular expression"),
        ("layers: [{range: 'a{99999999999}', layer_type: mlp}]", "no regular expression"),
        ("layers: [{range: '[[a]x', layer_type: mlp}]", "no regular expression"),
        ("layers: [{range: " + "(" * 5000 + ", layer_type: mlp}]", "no regular expression"),
        ("layers: [{range: null, layer_type: mlp}]", "no text"),
        ("layers: [{range: x, layer_type: mlp, layer: '99999999999999999999'}]", "at most 18 digits"),
        ("layers: [{range: x, layer_type: mlp, layer: -3}]", "layer must be a number"),
        ("layers: [{range: x, layer_type: null}]", "layer_type: None is no text"),
        ("layers: [{range: x, layer_type: ''}]", "layer_type is empty"),
        ("layers: [{range: x, layer_type: [a]}]", "layer_type: ['a'] is no text"),
        ("kernels: [{kernel: x, layer_type: mlp, anywhere: 'no'}]", "anywhere must be true or false"),
        ("sequences: [{is_layer: 1, pieces: [{match: a}]}]", "is_layer must be true or false"),
        ("layers: [{range: x, range: y, layer_type: mlp}]", "'range' is given twice"),
        ("layers: [{range: x, layer_type: &a mlp, role: *a}]", "aliases"),
        ("layers: 2024-13-45", "no valid YAML"),
        ("layers: !!int abc", "no valid YAML"),
        ("layers: " + "[" * 5000, "nested too deeply"),
        ("layers: 0", "layers: must be a list"),
        ("0", "the file: must be a mapping"),
        ("[]", "the file: must be a mapping"),
    ],
)
def test_mistakes_are_named(text: str, message: str | None) -> None:
    if message is None:
        assert parse_rules(text, "own.yaml").layers == ()
        return
    with pytest.raises(UserError, match=r"own\.yaml") as error:
        parse_rules(text, "own.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rule_file_must_be_a_file_of_moderate_size(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe.yaml", tmp_path / "large.yaml"
    os.mkfifo(pipe)
    large.write_text("#" * (MOST_BYTES + 1))
    for path, problem in ((pipe, "no regular file"), (Path("/dev/zero"), "no regular file"), (large, "larger than")):
        with pytest.raises(UserError, match=problem):
            load_rules((path,))


def test_an_empty_file_has_no_rules() -> None:
    assert parse_rules("", "own.yaml").layers == ()


def test_rules_of_the_user_come_first() -> None:
    own = parse_rules("layers: [{range: x, layer_type: mine}]", "own.yaml")
    shipped = load_rules()
    assert (own + shipped).layers[0].layer_type.constant == "mine"
    assert len(shipped.layers) > 10


def test_the_shipped_files_have_descriptions_and_known_phases() -> None:
    assert {rule.phase for rule in load_rules().phases} == {"load", "warmup", "prefill", "decode"}
