from dataclasses import fields, replace
from itertools import combinations

import pytest

from workbench.compare.comparability import (
    FACTORS,
    FieldDifference,
    Kind,
    caveats,
    differences,
    factors,
    label,
    refuse_incomparable,
    refuse_mixed,
)
from workbench.compare.fingerprint import WORKLOAD_FIELDS, Fingerprint
from workbench.errors import UserError

ENGINE = Fingerprint(
    recorder="nsys",
    program="engine",
    model="qwen3-4b",
    layers="36 layers",
    shape="parameters 4022468096",
    weights="q8_0",
    weights_source="synthetic, seed 42",
    prompt_tokens="256",
    decode_tokens="48",
    batch="1",
    chunk="512",
    context="512",
    cache_format="fp16",
    temperature="0",
    seed="42",
    graphs="on",
    graphs_told="on",
    graph_trace="nodes",
    variant="none",
    gpu="NVIDIA H200",
    multiprocessors="132",
    driver="580.159.04",
    cuda="13.0",
    max_clocks="SM 1980 MHz, memory 3201 MHz",
    power_limit="700 W",
    clocks="SM 1980 MHz, memory 3201 MHz",
    nsys="2025.3.1.0",
    exporter="2025.3.2.0",
    tracing="--trace=cuda,nvtx",
    commit="ab" * 20,
    worktree="clean",
    host="Linux 6.18 x86_64",
    python="3.12.3",
    libraries="numpy 2.5.2",
)
OTHER = replace(
    ENGINE, program="serve --model m", program_name="a server", workload="prefill of 256 tokens", variant=None
)
SEEN = Fingerprint(recorder="nsys", layers="36 layers", graphs="on", gpu="NVIDIA H200", exporter="2025.3.2.0")


def kinds(before: Fingerprint, after: Fingerprint, *vary: str) -> dict[str, Kind]:
    """The kind of each field that differs; the same whichever side comes first."""
    found = {one.field: one.kind for one in differences(before, after, vary)}
    assert found == {one.field: one.kind for one in differences(after, before, vary)}
    return found


@pytest.mark.parametrize("one", [ENGINE, OTHER, SEEN, Fingerprint()])
def test_nothing_differs_from_itself(one: Fingerprint) -> None:
    assert not differences(one, one, ())
    refuse_incomparable(differences(one, one, FACTORS), FACTORS)
    refuse_mixed([("a", one), ("b", one), ("c", one)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recorder", "engine-cpu"),
        ("program", "python run.py"),
        ("model", "qwen3-8b"),
        ("shape", "parameters 8"),
        ("weights", "bf16"),
        ("weights_source", "Qwen3-4B"),
        ("prompt_tokens", "512"),
        ("decode_tokens", "128"),
        ("batch", "2"),
        ("chunk", "256"),
        ("context", "8192"),
        ("cache_format", "q8_0"),
        ("temperature", "0.7"),
        ("seed", "7"),
        ("graphs", "off"),
        ("graph_trace", "whole graphs"),
        ("variant", "no-pdl"),
        ("gpu", "2 x NVIDIA H200"),
        ("multiprocessors", "66"),
        ("driver", "575.1"),
        ("max_clocks", "SM 1755 MHz, memory 3201 MHz"),
        ("power_limit", "500 W"),
        ("clocks", "SM 1410 MHz, memory 3201 MHz"),
        ("nsys", "2025.5.1.0"),
        ("nsys", "2024.3.1.0"),
        ("commit", "cd" * 20),
    ],
)
def test_a_difference_that_was_not_declared_is_refused_and_named(field: str, value: str) -> None:
    other = replace(ENGINE, **{field: value})
    assert kinds(ENGINE, other) == {field: Kind.REFUSED}
    with pytest.raises(UserError, match=f"differ in {label(field)} \\(") as refused:
        refuse_incomparable(differences(ENGINE, other, ()), ())
    assert value in str(refused.value)
    with pytest.raises(UserError, match=f"^a and c do not belong .* {label(field)} \\(") as mixed:
        refuse_mixed([("a", ENGINE), ("b", ENGINE), ("c", other)])
    assert value in str(mixed.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cuda", "13.1"),
        ("nsys", "2025.3.2.0"),
        ("tracing", "--trace=cuda"),
        ("worktree", "with changes"),
        ("host", "Linux 6.8 x86_64"),
        ("python", "3.11.1"),
        ("libraries", "numpy 2.0.0"),
    ],
)
def test_a_difference_of_little_effect_is_noted(field: str, value: str) -> None:
    other = replace(ENGINE, **{field: value})
    assert kinds(ENGINE, other) == {field: Kind.NOTED}
    refuse_incomparable(differences(ENGINE, other, ()), ())
    refuse_mixed([("a", ENGINE), ("b", other)])


@pytest.mark.parametrize(
    ("field", "value"),
    [("clocks", "SM 1905 MHz, memory 3201 MHz"), ("model", "QWEN3-4B"), ("weights", "Q8_0"), ("exporter", "2026.1")],
)
def test_what_means_the_same_is_no_difference(field: str, value: str) -> None:
    assert not kinds(ENGINE, replace(ENGINE, **{field: value}))


@pytest.mark.parametrize(
    ("factor", "changes", "expected"),
    [
        ("commit", {"commit": "c", "worktree": "with changes"}, {"commit": Kind.VARIED, "worktree": Kind.VARIED}),
        ("graphs", {"graphs": "off", "graph_trace": None}, {"graphs": Kind.VARIED}),
        ("weights", {"weights": "bf16", "weights_source": "m"}, dict.fromkeys(["weights", "weights_source"], "varied")),
        ("variant", {"variant": "no-pdl"}, {"variant": Kind.VARIED}),
        (
            "model",
            {"model": "m", "shape": "s", "layers": "28 layers", "weights_source": "m", "weights": "bf16"},
            {"model": Kind.VARIED, "weights_source": Kind.VARIED, "weights": Kind.REFUSED},
        ),
        ("driver", {"driver": "590", "cuda": "13.1"}, {"driver": Kind.VARIED, "cuda": Kind.VARIED}),
        (
            "program",
            {
                "program": "serve",
                "program_name": "a server",
                "commit": "c",
                "variant": None,
                "weights_source": "random",
            },
            {"program": Kind.VARIED, "commit": Kind.VARIED, "weights_source": Kind.NOTED},
        ),
        ("program", {"program": "serve", "model": "Qwen/Qwen3-4B"}, {"program": Kind.VARIED, "model": Kind.REFUSED}),
    ],
)
def test_what_is_under_test_may_differ_with_what_follows_from_it(
    factor: str, changes: dict[str, str], expected: dict[str, Kind]
) -> None:
    assert kinds(ENGINE, replace(ENGINE, **changes), factor) == expected


def test_several_factors_may_be_declared_and_none_covers_another() -> None:
    other = replace(ENGINE, graphs="off", driver="590")
    assert kinds(ENGINE, other, "graphs,driver") == {"graphs": Kind.VARIED, "driver": Kind.VARIED}
    for factor in FACTORS:
        assert Kind.REFUSED in kinds(ENGINE, other, factor).values()


def test_factors_are_read_as_they_are_typed() -> None:
    assert factors(["graphs, commit", "graphs", ""]) == ("commit", "graphs")
    with pytest.raises(UserError, match="--vary colour is no factor; name some of commit, graphs"):
        factors(["commit,colour"])


def test_switching_graphs_off_by_a_variant_is_switching_graphs_off() -> None:
    by_option = replace(ENGINE, graphs="off", graph_trace=None)
    by_variant = replace(by_option, variant="no-graphs")
    assert not kinds(by_option, by_variant)
    assert kinds(ENGINE, by_variant) == {"graphs": Kind.REFUSED}
    assert kinds(ENGINE, by_variant, "graphs") == {"graphs": Kind.VARIED}
    assert kinds(ENGINE, by_variant, "variant") == {"graphs": Kind.VARIED, "variant": Kind.VARIED}
    assert kinds(ENGINE, by_option, "variant") == {"graphs": Kind.REFUSED}
    also_slow = replace(by_variant, variant="no-graphs, no-pdl")
    assert kinds(by_option, also_slow, "graphs") == {"variant": Kind.REFUSED}
    assert kinds(ENGINE, also_slow, "variant") == {"graphs": Kind.VARIED, "variant": Kind.VARIED}


def test_a_variant_explains_no_graphs_that_another_lost() -> None:
    fell_back = replace(ENGINE, variant="malloc-per-step", graphs="off", graph_trace=None)
    assert kinds(ENGINE, fell_back, "variant") == {"variant": Kind.VARIED, "graphs": Kind.REFUSED}
    both_off = replace(ENGINE, variant="no-graphs", graphs="on"), replace(ENGINE, graphs="off", graph_trace=None)
    assert kinds(*both_off, "variant") == {"variant": Kind.VARIED, "graphs": Kind.REFUSED}


def test_what_one_side_does_not_tell_is_named_and_not_refused() -> None:
    expected = ["program", "model", "weights", "variant", "driver", "max_clocks", "power_limit", "commit", "workload"]
    assert kinds(ENGINE, SEEN) == dict.fromkeys(expected, Kind.UNKNOWN)
    found = {one.field: one.text for one in differences(SEEN, ENGINE, ("commit",))}
    assert found["commit"] == "the commit of BEFORE is not known"
    assert found["workload"] == "the workload of BEFORE is not known"
    refuse_incomparable(differences(SEEN, ENGINE, ()), ())


def test_single_numbers_of_a_workload_may_be_missing() -> None:
    assert kinds(ENGINE, replace(ENGINE, seed=None)) == {"seed": Kind.UNKNOWN}
    in_words = replace(ENGINE, **dict.fromkeys(WORKLOAD_FIELDS), workload="a prefill")
    assert kinds(ENGINE, in_words) == {"workload": Kind.UNKNOWN}
    assert differences(in_words, ENGINE, ())[0].text == "the workload of BEFORE is not known"
    assert kinds(in_words, replace(in_words, workload=None)) == {"workload": Kind.UNKNOWN}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("m", "28 layers"), (None, "28 layers"), Kind.UNKNOWN),
        (("m", "36 layers"), (None, "28 layers"), Kind.REFUSED),
        (("m", None), (None, "28 layers"), Kind.UNKNOWN),
        (("m", "28 layers"), (None, None), Kind.UNKNOWN),
        ((None, "36 layers"), (None, "28 layers"), Kind.REFUSED),
        ((None, "28 layers"), (None, "28 layers"), None),
        ((None, "28 layers"), (None, None), None),
        (("m", "28 layers"), ("m", "27 layers"), None),
    ],
)
def test_models_are_compared_by_name_or_else_by_their_layers(
    before: tuple[str | None, str | None], after: tuple[str | None, str | None], expected: Kind | None
) -> None:
    one, other = (Fingerprint(model=name, layers=layers) for name, layers in (before, after))
    assert kinds(one, other) == ({"model": expected} if expected else {})


def test_versions_of_nsys_are_held_against_like_versions() -> None:
    assert not kinds(Fingerprint(nsys="2025.3.1", exporter="2025.5.1"), Fingerprint(exporter="2025.5.1"))
    assert kinds(Fingerprint(nsys="2025.3.1", exporter="2025.5.1"), Fingerprint(exporter="2025.3.1")) == {
        "nsys": Kind.REFUSED
    }
    assert kinds(Fingerprint(nsys="2025.3.1"), Fingerprint(exporter="2025.3.1")) == {"nsys": Kind.UNKNOWN}


@pytest.mark.parametrize("factor", FACTORS)
def test_words_are_refused_unless_they_may_speak_of_what_is_under_test(factor: str) -> None:
    other = replace(OTHER, workload="24 replays")
    is_strict = factor in ("commit", "driver")
    assert kinds(OTHER, other, factor) == {"workload": Kind.REFUSED if is_strict else Kind.NOTED}
    named = replace(OTHER, program_name="a server with a static cache")
    expected = {"commit": Kind.REFUSED, "driver": Kind.REFUSED, "program": Kind.VARIED}.get(factor, Kind.NOTED)
    assert kinds(OTHER, named, factor) == {"program_name": expected}


def test_a_refusal_says_what_could_be_declared() -> None:
    other = replace(ENGINE, graphs="off", commit="c", driver="590")
    found = differences(ENGINE, other, ("commit",))
    with pytest.raises(UserError) as refused:
        refuse_incomparable(found, ("commit",))
    assert str(refused.value) == (
        "BEFORE and AFTER cannot be compared, for they differ in graphs (on before, off after), "
        "driver (580.159.04 before, 590 after); declare what is under test with --vary commit,graphs,driver, or "
        "capture both sides alike"
    )
    words = differences(replace(OTHER, workload="a", graphs="on"), replace(OTHER, workload="b", graphs="off"), ())
    with pytest.raises(UserError, match="--vary graphs, or"):
        refuse_incomparable(words, ())


def test_a_refusal_offers_nothing_where_nothing_can_be_declared() -> None:
    other = replace(ENGINE, graphs="off", batch="2")
    with pytest.raises(UserError, match=r"graphs \(on before, off after\); capture both sides alike"):
        refuse_incomparable(differences(ENGINE, other, ()), ())


def test_declaring_what_a_refusal_asks_for_ends_it() -> None:
    one = replace(ENGINE, program="a", model="a", weights="a", variant="a", driver="a", commit="a")
    changes = {"program": "b", "model": "b", "weights": "b", "variant": "b", "driver": "b", "commit": "b"}
    for some in combinations(changes, 2):
        other = replace(one, **{name: changes[name] for name in some})
        with pytest.raises(UserError) as refused:
            refuse_incomparable(differences(one, other, ()), ())
        asked = str(refused.value).partition("--vary ")[2].split(", or")[0]
        refuse_incomparable(differences(one, other, [asked]), [asked])


def test_long_values_are_cut_in_sentences() -> None:
    text = FieldDifference("program", "a " * 5_000, "b,c", Kind.REFUSED).text
    assert len(text) < 300
    assert text.endswith("… before, `b,c` after)")


def test_mixed_sets_are_found_whichever_captures_tell() -> None:
    told = [Fingerprint(), Fingerprint(model="a"), Fingerprint(graphs="on"), Fingerprint(model="b")]
    with pytest.raises(UserError, match=r"^1 and 3 do not belong in one set, for they differ in model \(a, b\);"):
        refuse_mixed([(str(number), one) for number, one in enumerate(told)])
    refuse_mixed([])


def test_a_fallback_and_uncommitted_changes_are_told() -> None:
    assert caveats(ENGINE, ENGINE) == ()
    fell_back = replace(ENGINE, graphs="off", graph_trace=None)
    assert caveats(ENGINE, fell_back) == (
        "The program of AFTER says that graphs were on, but its steps ran with graphs off.",
    )
    dirty = replace(ENGINE, worktree="with changes")
    assert len(caveats(dirty, dirty)) == 1
    assert caveats(dirty, replace(dirty, commit="c")) == caveats(dirty, ENGINE) == ()
    nowhere = replace(dirty, commit=None)
    assert caveats(nowhere, nowhere) == ()


def test_every_field_is_judged_or_stands_for_another() -> None:
    judged = {
        name
        for field in fields(Fingerprint)
        if differences(Fingerprint(**{(name := field.name): "1"}), Fingerprint(**{name: "2"}), ())
    }
    # The program's word on graphs is a caveat, the exporter stands in for nsys.
    assert {field.name for field in fields(Fingerprint)} - judged == {"graphs_told"}
