import pytest

from workbench.attribution.rule_files import load_rules
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


def test_an_empty_file_has_no_rules() -> None:
    assert parse_rules("", "own.yaml").layers == ()


def test_rules_of_the_user_come_first() -> None:
    own = parse_rules("layers: [{range: x, layer_type: mine}]", "own.yaml")
    shipped = load_rules()
    assert (own + shipped).layers[0].layer_type.constant == "mine"
    assert len(shipped.layers) > 10


def test_the_shipped_files_have_descriptions_and_known_phases() -> None:
    assert {rule.phase for rule in load_rules().phases} == {"load", "warmup", "prefill", "decode"}
