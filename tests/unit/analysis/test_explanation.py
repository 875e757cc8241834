import re
from collections.abc import Callable

from tests.exports import Export
from workbench.analysis.explanation import MOST_SITES, Explanation, OpenRange, Site, explain
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import LayerRules
from workbench.trace.model import Trace

Attributed = Callable[[Export], Attribution]
Read = Callable[[Export], Trace]


def only(explanation: Explanation) -> Site:
    (site,) = explanation.sites
    return site


def in_layers(*names: str) -> Export:
    """A kernel of 10 ns in a range of each of these names."""
    export = Export()
    for number, name in enumerate(names):
        at = 100 * number
        export.range(name, at, at + 50)
        export.launch("gemv", at + 10, at + 60, at + 70, long_name="void gemv<int>()")
    return export


def test_it_names_the_rule_and_what_it_made_of_the_kernel(attributed: Attributed) -> None:
    site = only(explain(attributed(in_layers("model.layers.3.self_attn.q_proj")), "gemv"))
    assert (site.layer_type, site.role, site.layer, site.reason) == ("attention", "q_proj", "3", "")
    assert site.rule.startswith("transformers.yaml:layers:")
    assert site.asks.startswith("range ")
    assert "self_attn" in site.asks
    assert site.ranges == (OpenRange("model.layers.3.self_attn.q_proj", "", ""),)


def test_sites_that_differ_in_numbers_alone_are_one(attributed: Attributed) -> None:
    site = only(explain(attributed(in_layers(*(f"model.layers.{n}.mlp" for n in range(12)))), "gemv"))
    assert (site.count, site.total_ns, site.layer, site.is_example) == (12, 120, "0 to 11", True)


def test_a_layer_that_some_kernels_lack_is_left_out_of_the_span(attributed: Attributed) -> None:
    export = Export()
    export.domain(1, "engine")
    export.category(1, "mlp", domain=1)
    for number, layer in enumerate((None, 3, 5)):
        export.range("up_proj", 100 * number, 100 * number + 50, domain=1, category=1, payload=layer)
        export.launch("gemv", 100 * number + 10, 100 * number + 60, 100 * number + 70)
    site = only(explain(attributed(export), "gemv"))
    assert (site.count, site.layer) == (3, "3 to 5")


def test_ranges_are_given_from_outermost_to_innermost(attributed: Attributed) -> None:
    export = in_layers("model.layers.3.mlp")
    export.domain(1, "library")
    export.category(4, "gemm", domain=1)
    export.range("inner", 5, 45, domain=1, category=4)
    export.range("outer", -10, 90)
    assert only(explain(attributed(export), "gemv")).ranges == (
        OpenRange("outer", "", ""),
        OpenRange("model.layers.3.mlp", "", ""),
        OpenRange("inner", "library", "gemm"),
    )


def test_short_and_long_names_are_searched(attributed: Attributed) -> None:
    attribution = attributed(in_layers("model.layers.3.mlp"))
    for wanted in ("gemv", "emv<int>", ""):
        assert explain(attribution, wanted).count == 1
    assert explain(attribution, "gemv").kernels == ("gemv",)
    nothing = explain(attribution, "GEMV")
    assert (nothing.count, nothing.total_ns, nothing.sites, nothing.kernels) == (0, 0, (), ())


def test_what_no_rule_took_has_a_reason_and_patterns_for_one(attributed: Attributed) -> None:
    site = only(explain(attributed(in_layers("block 4 (part 2)")), "gemv"))
    assert (site.rule, site.asks, site.layer_type, site.reason) == ("", "", "", "no_rule")
    match = re.fullmatch(site.pattern, "block 17 (part 3)")
    assert match
    assert match["layer"] == "17"
    assert not re.fullmatch(site.pattern, "block x (part 3)")


def test_a_pattern_is_of_the_innermost_range_that_is_no_phase(attributed: Attributed) -> None:
    export = in_layers("block 4", "decode_step 7")
    export.range("decode_step 3", 5, 45)
    sites = explain(attributed(export), "gemv").sites
    assert [[(part.name, part.is_phase) for part in site.ranges] for site in sites] == [
        [("block 4", False), ("decode_step 3", True)],
        [("decode_step 7", True)],
    ]
    assert [site.pattern for site in sites] == [r"block\ (?P<layer>\d+)", ""]


def test_equal_names_in_two_ranges_are_one_of_several_alike(attributed: Attributed) -> None:
    """Two kernels share a range, and two have one each of the same name."""
    export = in_layers("a", "b", "b")
    export.launch("gemv", 15, 80, 85)
    sites = {site.ranges[0].name: site for site in explain(attributed(export), "gemv").sites}
    assert {name: (site.count, site.is_example) for name, site in sites.items()} == {"a": (2, False), "b": (2, True)}


def test_a_kernel_outside_any_range_is_told_by_its_name(attributed: Attributed) -> None:
    export = in_layers("model.layers.3.mlp")
    export.launch("lonely+kernel", 1000, 1010, 1030)
    site = only(explain(attributed(export), "lonely"))
    assert (site.ranges, site.pattern, site.reason) == ((), "", "no_range")
    assert re.fullmatch(site.kernel, "lonely+kernel")


def test_a_rule_for_kernel_names_says_so(attributed: Attributed) -> None:
    export = Export()
    export.launch("rms_norm_f32", 0, 10, 20)
    site = only(explain(attributed(export), "rms"))
    assert site.rule.startswith("kernels_llama_cpp.yaml:kernels:")
    assert site.asks.startswith("kernel ")


def test_a_rule_that_asks_for_range_and_kernel_says_both(read: Read) -> None:
    rules = parse_rules("layers: [{range: [a, b], kernel: 'ge', layer_type: mlp}]", "own.yaml")
    export = in_layers("b")
    export.range("a", -10, 90)
    site = only(explain(attribute(read(export), rules), "gemv"))
    assert (site.rule, site.asks) == ("own.yaml:layers:1", "range a > b and kernel ge")


def test_a_layer_told_by_the_order_of_kernels_says_so(read: Read) -> None:
    rules = parse_rules(
        """
        kernels: [{kernel: norm, layer_type: norm, symbol: n}, {kernel: gemv, layer_type: matmul, symbol: m}]
        sequences: [{is_layer: true, pieces: [{match: n}, {match: m, layer_type: mlp, role: up_proj}]}]
        """,
        "own.yaml",
    )
    export = Export()
    for number, name in enumerate(["norm", "gemv", "norm", "gemv"]):
        export.launch(name, 100 * number, 100 * number + 20, 100 * number + 60)
    site = only(explain(attribute(read(export), rules), "gemv"))
    assert (site.layer_type, site.role, site.layer, site.asks) == (
        "mlp",
        "up_proj",
        "0 to 1",
        "the order of a step's kernels",
    )


def test_sites_stand_by_falling_time_and_all_without_a_rule_are_shown(read: Read) -> None:
    """Ten sites more than are shown; the rules take all but the two shortest."""
    export = Export()
    letters = "abcdefghijklmnopqrstuvwxyz"[: MOST_SITES + 10]
    for number, letter in enumerate(letters):
        at = 1000 * number
        export.range(f"range {letter}", at, at + 50)
        export.launch("gemv", at + 10, at + 60, at + 900 - number)
    rules = parse_rules(f"layers: [{{range: 'range [{letters[0]}-{letters[-3]}]', layer_type: mlp}}]", "own.yaml")
    explanation = explain(attribute(read(export), rules), "gemv")
    times = [site.total_ns for site in explanation.sites]
    assert times == sorted(times, reverse=True)
    assert [bool(site.rule) for site in explanation.sites] == [True] * MOST_SITES + [False] * 2
    assert explanation.more_sites == 8
    assert explanation.count == len(letters)


def test_replayed_kernels_are_explained_by_where_they_were_captured(attributed: Attributed) -> None:
    export = Export()
    export.range("model.layers.2.mlp", 0, 50)
    export.node(5, 20)
    export.range("decode", 100, 200)
    export.kernel("gemv", 300, 310, export.call("cudaGraphLaunch_v10000", 110, 120), node=5)
    site = only(explain(attributed(export), "gemv"))
    assert (site.layer_type, [part.name for part in site.ranges]) == ("mlp", ["model.layers.2.mlp"])


def test_sites_add_up_to_the_kernels_asked_for(attributed: Attributed, rules: LayerRules) -> None:
    export = in_layers("model.layers.0.mlp", "model.layers.0.self_attn", "unheard of", "model.layers.1.mlp")
    explanation = explain(attributed(export), "gemv")
    assert sum(site.count for site in explanation.sites) == explanation.count == 4
    assert sum(site.total_ns for site in explanation.sites) == explanation.total_ns == 40
