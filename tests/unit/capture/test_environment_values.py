import pytest

from workbench.attribution.rules import PHASES, LayerRules
from workbench.capture.environment_values import EnvironmentValues

TOKEN = "Zx8Qp2Lm7Rt4Vw9Kc3Nb6Hy1Jd5Fs0Ga8Te2Uo4"


@pytest.mark.parametrize(
    ("variable", "value", "text", "masked"),
    [
        ("TEAM", "blue-whale-seven", "xblue-whale-seventy", "x***ty"),
        ("TEAM", "bluewhale", "of bluewhale, 2", "of ***, 2"),
        ("TEAM", "bluewhale", "bluewhales", "bluewhales"),
        ("DB_PASSWORD", "tiny", "of tiny", "of ***"),
        ("USER", "alice", "by alice", "by ***"),
        ("ANY", TOKEN, f"x{TOKEN}y", "x***y"),
        ("FLAG", "true", "true", "true"),
        ("LANG", "C.UTF-8", "C.UTF-8", "C.UTF-8"),
        ("VERSION", "2023.4.4.54", "2023.4.4.54", "2023.4.4.54"),
        ("NUMBER", "4814304000000", "4814304000000", "4814304000000"),
        ("EMPTY", "", "text", "text"),
        ("TEAM", "blueberry", "--team=blueberry", "--team=***"),
        ("MODEL_TYPE", "attention", "attention", "attention"),
        ("ROLE", "gate_up_proj", "layers.3.mlp.gate_up_proj", "layers.3.mlp.gate_up_proj"),
        ("BACKEND", "Flash-Attention", "Flash-Attention", "Flash-Attention"),
        ("PROJECT", "blueberry_attention", "blueberry_attention", "***"),
        ("DB_PASSWORD", "attention", "attention", "***"),
    ],
)
def test_speech(variable: str, value: str, text: str, masked: str) -> None:
    assert EnvironmentValues([(variable, value)]).mask_in_speech(text) == masked


@pytest.mark.parametrize(
    ("variable", "value", "text", "masked"),
    [
        ("BACKEND", "flash_attention", "flash_attention_kernel", "flash_attention_kernel"),
        ("DB_PASSWORD", "test", "latest_kernel", "latest_kernel"),
        ("DB_PASSWORD", "correct-horse-battery", "kernel<correct-horse-battery>", "kernel<***>"),
        ("ANY", TOKEN, f"kernel_{TOKEN}", "kernel_***"),
    ],
)
def test_code(variable: str, value: str, text: str, masked: str) -> None:
    assert EnvironmentValues([(variable, value)]).mask_in_code(text) == masked


def test_what_the_rules_call_layers_and_roles_tells_nothing(rules: LayerRules) -> None:
    names = {str(name) for rule in rules.kernels for name in (rule.layer_type, rule.role)}
    names |= {value.constant for rule in rules.layers for value in (rule.layer_type, rule.role) if value}
    names |= {*PHASES, "self_attn", "decode_step", "post_attention_layernorm", "embed_tokens"}
    masked = {name for name in names if EnvironmentValues([("ANY", name)]).mask_in_speech(name) != name}
    assert masked == set()


def test_the_variables_whose_values_a_text_holds() -> None:
    pairs = [("B", "blueberry"), ("A", "blueberry"), ("LONG", "blue-whale-seven"), ("FLAG", "true")]
    values = EnvironmentValues([*pairs, ("B", "blueberry")])
    assert values.variables_in_speech("blueberry or blue-whale-seven, true") == {("A", "B"), ("LONG",)}
    assert values.variables_in_speech("blueberries") == set()


def test_of_two_values_the_longer_is_masked_first() -> None:
    values = EnvironmentValues([("A", "blue-whale-seven"), ("B", "blue-whale-seven-teen")])
    assert values.mask_in_speech("blue-whale-seven-teen") == "***"


def test_secrets_are_found_in_bytes() -> None:
    values = EnvironmentValues([("API_KEY", "correct-horse-battery"), ("TEAM", "blue-whale-seven")])
    assert values.secret_in(b"..correct-horse-battery..")
    assert not values.secret_in(b"..blue-whale-seven..")
    assert not EnvironmentValues([]).secret_in(b"")
