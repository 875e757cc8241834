from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.unit.report.odd_captures import NAMES
from workbench.analysis.explanation import explain
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import LayerRules
from workbench.errors import UserError
from workbench.report.rules import explanation_text
from workbench.trace.model import NONE, Trace

Attributed = Callable[[Export], Attribution]
Read = Callable[[Export], Trace]


def test_it_says_which_rule_took_a_kernel_and_where_it_was_described(attributed: Attributed) -> None:
    export = Export()
    export.range("decode", 0, 100)
    export.range("model.layers.3.self_attn.q_proj", 5, 90)
    export.launch("gemv", 10, 200, 1450)
    lines = explanation_text(explain(attributed(export), "emv")).splitlines()
    assert lines[:3] == ["1 kernel with 'emv' in the name, 1.25 µs: gemv", "", "attention q_proj, layer 3"]
    assert lines[3].startswith("  taken by transformers.yaml:layers:")
    assert lines[4:] == [
        "  1 kernel, 1.25 µs",
        "  described in:",
        "    decode",
        "      model.layers.3.self_attn.q_proj",
    ]


def test_many_kernels_and_sites_are_counted(attributed: Attributed) -> None:
    export = Export()
    for number in range(40):
        export.range(
            f"model.layers.{number % 2}.mlp.{'abcdefghijklmnopqrst'[number // 2]}_proj", 100 * number, 100 * number + 50
        )
        export.launch(f"gemv_{number}", 100 * number + 10, 100 * number + 60, 100 * number + 70)
    text = explanation_text(explain(attributed(export), "gemv"))
    assert text.startswith("40 kernels with 'gemv' in the name, 400 ns: gemv_0, gemv_1, gemv_10, gemv_11, gemv_12, ...")
    assert "... and 8 more sites with less time" in text
    assert "(one of several alike)" in text


def stub(text: str) -> LayerRules:
    """The rules that the text proposes, with a layer type filled in."""
    _, _, yaml = text.partition("# No rule takes ")
    return parse_rules("#" + yaml.replace("# layer_type: attention ", "layer_type: mine "), "stub.yaml")


def has_leaf(attribution: Attribution) -> list[bool]:
    return (attribution.leaf != NONE).tolist()


def test_what_no_rule_took_comes_with_a_rule_that_takes_it(read: Read, rules: LayerRules) -> None:
    export = Export()
    export.domain(1, "lib (v2)+")
    export.range("block 4 (a.b)", 0, 50, domain=1)
    export.launch("gemv", 10, 100, 110)
    export.range("block 5 (a.b)", 200, 250, domain=1)
    export.launch("gemv", 210, 300, 310)
    export.launch("gemv+lonely", 400, 500, 510)
    trace = read(export)
    attribution = attribute(trace, rules)
    assert has_leaf(attribution) == [False] * 3
    own = stub(explanation_text(explain(attribution, "gemv")))
    again = attribute(trace, own + rules)
    leaves = [again.leaves[leaf] for leaf in again.leaf.tolist()]
    assert [(leaf.layer_type, leaf.layer) for leaf in leaves] == [("mine", 4), ("mine", 5), ("mine", NONE)]


def test_a_stub_that_nobody_filled_in_is_refused(attributed: Attributed) -> None:
    export = Export()
    export.range("block 4", 0, 50)
    export.launch("gemv", 10, 100, 110)
    export.launch("gemv", 400, 500, 510)
    text = explanation_text(explain(attributed(export), "gemv"))
    _, _, yaml = text.partition("# No rule takes these kernels. A rule file for --rules might hold:\n")
    layers, _, kernels = yaml.partition("kernels:")
    for rules, place in ((layers, "layers:1"), (f"kernels:{kernels}", "kernels:1")):
        with pytest.raises(UserError, match=f"own.yaml: {place}: layer_type is missing"):
            parse_rules(rules, "own.yaml")


def test_others_are_spoken_of_only_where_a_rule_took_some(attributed: Attributed) -> None:
    export = Export()
    export.range("unheard of", 0, 50)
    export.launch("gemv", 10, 100, 110)
    assert "# No rule takes these kernels." in explanation_text(explain(attributed(export), "gemv"))
    export.range("model.layers.3.mlp", 200, 250)
    export.launch("gemv", 210, 300, 310)
    assert "# No rule takes the others." in explanation_text(explain(attributed(export), "gemv"))


@pytest.mark.parametrize("name", NAMES)
def test_stubs_take_ranges_and_kernels_of_any_name(read: Read, rules: LayerRules, name: str) -> None:
    export = Export()
    export.domain(1, name)
    export.range(name, 0, 50, domain=1)
    export.launch("gemv", 10, 100, 110)
    export.launch(name, 400, 500, 510)
    trace = read(export)
    text = explanation_text(explain(attribute(trace, rules), ""))
    assert has_leaf(attribute(trace, stub(text) + rules)) == [True, True]


def test_a_phase_tells_no_layer(read: Read, rules: LayerRules) -> None:
    """Kernels in a range of their own get a rule for that, though a step lies inside it; others are told what lacks."""
    export = Export()
    export.range("block 4", 0, 90)
    for number, begin in enumerate((10, 100, 200)):
        export.range(f"decode_step {number}", begin, begin + 50)
        export.launch("gemv", begin + 10, begin + 500, begin + 510)
    trace = read(export)
    text = explanation_text(explain(attribute(trace, rules), "gemv"))
    assert [line for line in text.splitlines() if "range:" in line] == [r"  - range: '^block\ (?P<layer>\d+)$'"]
    assert text.endswith(
        "\n# 2 kernels in phase ranges alone: put ranges around what launches them, "
        "or write a rule under `kernels` with `anywhere: true`.\n"
    )
    assert has_leaf(attribute(trace, stub(text) + rules)) == [True, False, False]


def test_where_only_phases_are_open_there_is_no_stub(attributed: Attributed) -> None:
    export = Export()
    export.range("decode_step 1", 0, 50)
    export.range("model.layers.0.mlp", 60, 90)
    export.launch("gemv", 10, 100, 110)
    lines = explanation_text(explain(attributed(export), "gemv")).splitlines()
    assert lines[-2:] == [
        "",
        "# 1 kernel in phase ranges alone: put ranges around what launches them, "
        "or write a rule under `kernels` with `anywhere: true`.",
    ]
    assert not [line for line in lines if "No rule takes" in line or "layers:" in line]


def test_of_very_many_ranges_the_innermost_are_shown(attributed: Attributed) -> None:
    export = Export()
    for number in range(50):
        export.range(f"model.layers.{number}.mlp", number, None)
    export.launch("gemv", 100, 200, 210)
    lines = explanation_text(explain(attributed(export), "gemv")).splitlines()
    shown = lines[lines.index("  described in:") + 1 :]
    assert shown[:2] == ["    ...", "      model.layers.34.mlp"]
    assert shown[-1].strip() == "model.layers.49.mlp"


def test_equal_kernels_outside_ranges_need_one_rule(attributed: Attributed) -> None:
    export = Export()
    export.launch("unheard_of", 0, 10, 20, pid=7)
    export.launch("unheard_of", 0, 10, 20, pid=8, tid=8)
    export.range("a range of its own", 100, 110, pid=8, tid=8)
    text = explanation_text(explain(attributed(export), "unheard_of"))
    assert text.count("not attributed: ") == 2
    assert text.count("  - kernel: 'unheard_of'") == 1


def test_no_name_steers_the_terminal(attributed: Attributed) -> None:
    export = Export()
    for number, name in enumerate(NAMES):
        export.range(name, 100 * number, 100 * number + 50)
        export.launch(name, 100 * number + 10, 100 * number + 60, 100 * number + 70)
    text = explanation_text(explain(attributed(export), ""))
    assert all(character == "\n" or character.isprintable() for character in text)
