from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import LayerRules
from workbench.trace.model import NONE, Trace

Read = Callable[[Export], Trace]
Leaf = tuple[str, int, str] | None


def leaves(attribution: Attribution) -> list[Leaf]:
    found = [attribution.leaves[leaf] if leaf != NONE else None for leaf in attribution.leaf.tolist()]
    return [(leaf.layer_type, leaf.layer, leaf.role) if leaf else None for leaf in found]


def leaf_in(read: Read, rules: LayerRules, *ranges: str, kernel: str = "k", **options: object) -> Leaf:
    """The leaf of a kernel launched inside these ranges, outermost first."""
    export = Export()
    for depth, name in enumerate(ranges):
        export.range(name, depth, 1000 - depth, **(options if depth == len(ranges) - 1 else {}))  # type: ignore[arg-type]
    export.range("of another thread, so that the program has ranges", 0, 1, tid=99)
    export.launch(kernel, 500, 600, 610)
    (leaf,) = leaves(attribute(read(export), rules))
    return leaf


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("model.layers.3.self_attn.q_proj", ("attention", 3, "q_proj")),
        ("model.layers.12.self_attn", ("attention", 12, "")),
        ("model.layers.12.self_attn.q_norm", ("attention", 12, "q_norm")),
        ("model.layers.0.mlp.down_proj", ("mlp", 0, "down_proj")),
        ("model.layers.0.input_layernorm", ("norm", 0, "input_layernorm")),
        ("model.layers.0.post_attention_layernorm", ("norm", 0, "post_attention_layernorm")),
        ("model.layers.7", ("residual", 7, "")),
        ("model.layers.7.linear_attn.in_proj_qkvz", ("gated_delta_net", 7, "in_proj_qkvz")),
        ("model.layers.7.mlp.experts", ("moe", 7, "experts")),
        ("model.layers.7.mlp.experts.12.gate_proj", ("moe", 7, "experts")),
        ("model.layers.7.mlp.shared_expert", ("moe", 7, "shared_expert")),
        ("model.layers.7.block_sparse_moe.gate", ("moe", 7, "gate")),
        ("model.language_model.layers.2.mlp.up_proj", ("mlp", 2, "up_proj")),
        ("transformer.h.5.attn.c_attn", ("attention", 5, "c_attn")),
        ("transformer.h.5.ln_1", ("norm", 5, "ln_1")),
        ("encoder.layer.11.attention.self.query", ("attention", 11, "self")),
        ("model.embed_tokens", ("embedding", NONE, "embed_tokens")),
        ("model.norm", ("norm", NONE, "norm")),
        ("lm_head", ("lm_head", NONE, "lm_head")),
        ("model.rotary_emb", ("attention", NONE, "rotary_emb")),
        ("model", ("positions_and_masks", NONE, "")),
        ("something else", None),
    ],
)
def test_module_names_of_transformers(read: Read, rules: LayerRules, name: str, leaf: Leaf) -> None:
    assert leaf_in(read, rules, name) == leaf


def test_the_engines_ranges_speak_for_themselves(read: Read, rules: LayerRules) -> None:
    export = Export()
    export.domain(1, "engine")
    export.category(3, "gated_delta_net", domain=1)
    export.range("in_proj_qkvz", 0, 100, domain=1, category=3, payload=11)
    export.range("lm_head", 200, 300, domain=1, category=3)
    export.launch("a", 50, 500, 510)
    export.launch("b", 250, 520, 530)
    assert leaves(attribute(read(export), rules)) == [
        ("gated_delta_net", 11, "in_proj_qkvz"),
        ("gated_delta_net", NONE, "lm_head"),
    ]


def test_another_domain_is_not_the_engine(read: Read, rules: LayerRules) -> None:
    export = Export()
    export.domain(1, "motor")
    export.category(3, "mlp", domain=1)
    export.range("x_proj", 0, 100, domain=1, category=3)
    export.launch("a", 50, 500, 510)
    assert leaves(attribute(read(export), rules)) == [None]


def test_the_innermost_range_that_some_rule_takes_decides(read: Read, rules: LayerRules) -> None:
    assert leaf_in(read, rules, "model.layers.3.mlp", "detail", "more detail") == ("mlp", 3, "")
    assert leaf_in(read, rules, "model.layers.3.mlp", "model.layers.3.self_attn.q_proj") == ("attention", 3, "q_proj")


def test_start_end_ranges_are_seen_outside_the_stack(read: Read, rules: LayerRules) -> None:
    assert leaf_in(read, rules, "model.layers.3.mlp", style="start_end") == ("mlp", 3, "")


def test_patterns_from_outermost_to_innermost(read: Read) -> None:
    rules = parse_rules(
        r"""
        layers:
          - {range: ['^block (?P<layer>\d+)$', '^ffn$'], layer_type: mlp}
          - {range: '^ffn$', layer_type: loose}
        """,
        "own.yaml",
    )
    assert leaf_in(read, rules, "block 4", "ffn") == ("mlp", 4, "")
    assert leaf_in(read, rules, "block 4", "in between", "ffn", "inside") == ("mlp", 4, "")
    assert leaf_in(read, rules, "ffn", "block 4") == ("loose", NONE, "")
    assert leaf_in(read, rules, "ffn") == ("loose", NONE, "")


def test_patterns_further_out_may_be_of_ranges_of_the_whole_process(read: Read) -> None:
    rules = parse_rules(
        r"layers: [{range: ['^block (?P<layer>\d+)$', '^ffn$'], layer_type: mlp}, {range: '^ffn', layer_type: loose}]",
        "own.yaml",
    )
    export = Export()
    export.range("block 4", 0, 300, style="start_end", tid=99)
    export.range("ffn", 100, 400)
    export.range("block 7", 110, 400)
    export.launch("k", 200, 500, 510)
    export.launch("k", 350, 600, 610)
    assert leaves(attribute(read(export), rules)) == [("mlp", 4, ""), ("loose", NONE, "")]


def test_ranges_left_open_pile_up_without_hiding_what_lies_inside_or_outside(read: Read) -> None:
    rules = parse_rules(
        r"""
        layers:
          - {range: ['^model (?P<role>\w+)$', '^layer (?P<layer>\d+)$'], layer_type: mlp}
          - {range: 'nothing is called so', layer_type: nothing}
        """,
        "own.yaml",
    )
    export = Export()
    export.range("model a", 0, None)
    for number in range(3000):
        export.range(f"layer {number}", 10 * number + 10, None)
        export.range("detail", 10 * number + 11, 10 * number + 13)
        export.launch("k", 10 * number + 12, 10**6 + number, 10**6 + number + 1)
    assert leaves(attribute(read(export), rules)) == [("mlp", number, "a") for number in range(3000)]


def test_the_first_rule_that_takes_a_range_wins(read: Read) -> None:
    rules = parse_rules("layers: [{range: a, layer_type: one}, {range: ab, layer_type: two}]", "own.yaml")
    assert leaf_in(read, rules, "ab") == ("one", NONE, "")


def test_a_rule_may_ask_for_the_kernel_as_well(read: Read) -> None:
    rules = parse_rules(
        "layers: [{range: step, kernel: 'argmax', layer_type: sampling}, {range: step, layer_type: rest}]", "own.yaml"
    )
    assert leaf_in(read, rules, "step", kernel="argmax_f32") == ("sampling", NONE, "")
    assert leaf_in(read, rules, "step", kernel="gemv") == ("rest", NONE, "")


def test_expressions_with_flags_and_references_are_matched_one_by_one(read: Read) -> None:
    rules = parse_rules(
        r"layers: [{range: '(?i)^MLP$', layer_type: mlp}, {range: '(a)\1', layer_type: twice}]", "own.yaml"
    )
    assert leaf_in(read, rules, "mlp") == ("mlp", NONE, "")
    assert leaf_in(read, rules, "xaax") == ("twice", NONE, "")


def test_copies_and_memsets_have_leaves_too(read: Read, rules: LayerRules) -> None:
    export = Export()
    export.range("model.layers.1.mlp", 0, 1000)
    export.launch("k", 10, 20, 30)
    export.copy(8, 64, 40, 50, export.call("cudaMemcpyAsync_v3020", 35, 38))
    export.memset(64, 60, 70, export.call("cudaMemsetAsync_v3020", 55, 58))
    assert leaves(attribute(read(export), rules)) == [("mlp", 1, "")] * 3
