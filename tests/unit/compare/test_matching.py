from collections.abc import Sequence

import pytest

from workbench.compare.matching import LayerKernels, Match, Part, Relation, layer_kernels, match_layer
from workbench.compare.measurement import Cell, Kernel, Launch, Place


def kernel(name: str) -> Kernel:
    return Kernel(f"void {name}()", name)


def layer(*sequence: str, unseen: Sequence[str] = ()) -> LayerKernels:
    """A layer whose step runs `role/kernel@blocks`, one after the other, and elsewhere some `role/kernel`."""
    launches = []
    for text in sequence:
        name, _, blocks = text.partition("@")
        role, _, short = name.rpartition("/")
        launches.append(Launch(role, kernel(short), int(blocks or 1)))
    parts = [(launch.role, launch.kernel) for launch in launches]
    parts += [(role, kernel(short)) for role, _, short in (text.rpartition("/") for text in unseen)]
    return layer_kernels([Cell(Place("attention", 0, role), found, 1, 1, 1) for role, found in parts], launches)


def found(before: LayerKernels, after: LayerKernels) -> list[str]:
    """What became of what, but for kernels that stayed, as `a + b -> c: fused`."""
    return [told(match) for match in match_layer(before, after) if match.relation is not Relation.SAME]


def told(match: Match) -> str:
    one, other = (" + ".join(part.kernel.short for part in side) for side in (match.before, match.after))
    return f"{one} -> {other}: {match.relation}"


def test_a_kernel_of_the_same_name_and_role_is_the_same() -> None:
    matches = match_layer(layer("q/gemv", "attn/flash"), layer("attn/flash", "q/gemv"))
    assert {match.relation for match in matches} == {Relation.SAME}
    assert len(matches) == 2


def test_a_kernel_called_more_often_is_the_same() -> None:
    assert found(layer("qkv/gemv", "qkv/gemv", "qkv/gemv"), layer("qkv/gemv")) == []


def test_another_name_on_the_same_grid_is_a_new_name() -> None:
    assert found(layer("q/gemv@132", "o/x"), layer("q/gemv_v2@132", "o/x")) == ["gemv -> gemv_v2: renamed"]


def test_another_grid_is_another_kernel() -> None:
    assert found(layer("q/gemv@132", "o/x"), layer("q/gemv_v2@64", "o/x")) == ["gemv -> gemv_v2: swapped"]


def test_two_that_become_one_are_fused() -> None:
    before = layer("attn/qk", "attn/softmax_fp32", "attn/cast", "attn/pv")
    after = layer("attn/qk", "attn/softmax_to_fp16", "attn/pv")
    assert found(before, after) == ["softmax_fp32 + cast -> softmax_to_fp16: fused"]


def test_one_that_becomes_two_is_split() -> None:
    before = layer("attn/qk", "attn/flash", "attn/pv")
    after = layer("attn/qk", "attn/split_kv", "attn/combine", "attn/pv")
    assert found(before, after) == ["flash -> split_kv + combine: split"]


def test_several_calls_of_one_kernel_that_become_one_call_of_another_are_fused() -> None:
    before = layer("qkv/gemv", "qkv/gemv", "qkv/gemv", "attn/x")
    assert found(before, layer("qkv/gemv_wide", "attn/x")) == ["gemv -> gemv_wide: fused"]


def test_several_that_become_several_are_swapped() -> None:
    assert found(layer("attn/a", "attn/b"), layer("attn/c", "attn/d")) == ["a + b -> c + d: swapped"]


def test_roles_are_compared_before_order() -> None:
    before = layer("q_proj/old_q", "k_proj/old_k")
    after = layer("k_proj/new_k", "q_proj/new_q")
    assert sorted(found(before, after)) == ["old_k -> new_k: renamed", "old_q -> new_q: renamed"]


def test_roles_that_only_one_side_has_are_matched_by_what_stands_around_them() -> None:
    before = layer("norm/rms", "q_proj/gemv_q", "k_proj/gemv_k", "attn/flash", "o/gemv_o")
    after = layer("norm/rms", "qk_proj/gemv_qk", "attn/flash", "o/gemv_o")
    assert found(before, after) == ["gemv_q + gemv_k -> gemv_qk: fused"]


def test_what_has_no_neighbour_in_common_is_unpaired() -> None:
    before = layer("norm/rms", "q/gemv", "attn/flash")
    after = layer("q/gemv", "attn/flash", "residual/add")
    assert sorted(found(before, after)) == [" -> add: unpaired", "rms -> : unpaired"]


def test_kernels_that_the_order_does_not_tell_are_matched_by_role() -> None:
    before, after = layer("q/gemv", unseen=["attn/old"]), layer("q/gemv", unseen=["attn/new"])
    assert found(before, after) == ["old -> new: swapped"]


@pytest.mark.parametrize("empty_side", ["before", "after"])
def test_without_a_partner_everything_is_unpaired(empty_side: str) -> None:
    nothing, something = layer(), layer("q/gemv", "o/gemv")
    sides = (nothing, something) if empty_side == "before" else (something, nothing)
    matches = match_layer(*sides)
    assert [match.relation for match in matches] == [Relation.UNPAIRED] * 2
    assert all(not (match.before if empty_side == "before" else match.after) for match in matches)


def test_each_kernel_is_in_one_match() -> None:
    before = layer("a/1", "a/2", "b/3", "c/4", "a/1", unseen=["d/9"])
    after = layer("a/2", "b/5", "b/6", "c/4", "e/7", unseen=["d/8"])
    matches = match_layer(before, after)
    one = [part for match in matches for part in match.before]
    other = [part for match in matches for part in match.after]
    assert sorted(one) == sorted(before.parts)
    assert sorted(other) == sorted(after.parts)
    assert Part("d", kernel("9")) in one
