"""The description of rule files shows a file that works as it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exports import Export
from tests.unit.report.rendered import code_blocks
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import PHASES, LayerRules
from workbench.trace.model import NONE, Trace

README = Path(__file__).parents[2] / "workbench" / "rules" / "README.md"
Read = Callable[[Export], Trace]


@pytest.fixture(scope="module")
def example() -> LayerRules:
    """The rules of the example."""
    (text,) = code_blocks(README.read_text(encoding="utf-8"), "yaml")
    return parse_rules(text, "example.yaml")


def leaves(attribution: Attribution) -> list[tuple[str, int, str] | None]:
    """Layer type, layer and role of each operation."""
    found = [attribution.leaves[leaf] if leaf != NONE else None for leaf in attribution.leaf.tolist()]
    return [leaf and (leaf.layer_type, leaf.layer, leaf.role) for leaf in found]


def test_every_section_holds_a_rule(example: LayerRules) -> None:
    sections = (example.layers, example.kernels, example.sequences, example.phases)
    assert all(sections)
    assert example.block_input_roles
    assert example.library_domains


def test_ranges_tell_layers_phases_and_steps(read: Read, example: LayerRules) -> None:
    export = Export()
    export.domain(1, "engine")
    export.category(1, "attention", domain=1)
    export.category(2, "generation", domain=1)
    export.range("token 5", 0, 90, domain=1, category=2)
    export.range("layers.3.attn.q_proj", 10, 20, domain=1, category=1)
    export.launch("gemv", 12, 100, 110)
    export.range("block_7", 30, 60)
    export.range("mlp", 35, 50)
    export.launch("gemv", 40, 120, 130)
    export.launch("my_sampler", 70, 140, 150)
    attribution = attribute(read(export), example)
    assert leaves(attribution) == [("attention", 3, "q_proj"), ("mlp", 7, ""), ("sampling", NONE, "")]
    steps = attribution.placement.steps
    assert [(PHASES[steps.phase[0]], steps.number.tolist())] == [("decode", [5])]


def test_names_and_their_order_tell_layers_where_there_are_no_ranges(read: Read, example: LayerRules) -> None:
    layer = ["my_norm", "my_gemm", "my_gemm", "my_gemm", "my_rope", "my_rope", "my_attention_fwd", "my_gemm"]
    export = Export()
    export.domain(1, "engine")
    export.category(2, "generation", domain=1)
    names = [*layer, *layer, "my_norm", "unheard_of", "my_gemm"]
    for step in range(2):
        begin = 100_000 * step
        export.range(f"token {step}", begin, begin + 90_000, domain=1, category=2)
        for number, name in enumerate(names):
            at = begin + 100 * number + 10
            export.launch(name, at, at + 50, at + 90)
    of_layer = ["norm input_norm", *["attention qkv_proj"] * 3, *["attention rope"] * 2, "attention attention"]
    found = leaves(attribute(read(export), example))
    assert found[: len(names)] == found[len(names) :]
    texts = [leaf and f"{leaf[0]} {leaf[2]}" for leaf in found[: len(names)]]
    assert texts == [*[*of_layer, "attention o_proj"] * 2, "norm ", None, "lm_head lm_head"]
    assert [leaf and leaf[1] for leaf in found[: len(names)]] == [0] * 8 + [1] * 8 + [NONE, None, NONE]
