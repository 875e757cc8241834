import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.attribution import period as period_module
from workbench.attribution.period import are_alike, find_period, is_alike, stretches


def steps_of(sequence: str) -> list[str] | None:
    """The stretches found in a sequence of letters."""
    tokens = np.frombuffer(sequence.encode(), np.uint8).astype(np.int64)
    period = find_period(tokens[None], np.ones(len(tokens), np.int64), np.zeros(len(tokens), bool))
    if period is None:
        return None
    found = stretches(period, 0, tokens)
    assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(found))
    return sorted({sequence[first:end] for first, end in found})


def test_what_repeats_is_the_step_and_not_the_layer_within_it() -> None:
    assert steps_of("eabababh" * 5) == ["eabababh"]


@pytest.mark.parametrize("before", ["", "qqrrss", "xyz" * 4])
def test_what_comes_before_does_not_matter(before: str) -> None:
    found = steps_of(before + "eabcabcabch" * 8)
    assert found is not None
    assert {"".join(sorted(step)) for step in found} == {"".join(sorted("eabcabcabch"))}


@pytest.mark.parametrize("sequence", ["", "a", "abcdefgh", "abab", "aaaaaaaaaaaaaa"])
def test_where_nothing_repeats_there_is_no_period(sequence: str) -> None:
    assert steps_of(sequence) is None


def test_a_place_that_stands_for_a_whole_stretch_may_repeat_alone() -> None:
    tokens = np.zeros((1, 5), np.int64)
    period = find_period(tokens, np.full(5, 100), np.ones(5, bool))
    assert period is not None
    assert (period.length, period.anchors.tolist()) == (1, [0, 1, 2, 3, 4])


def test_coarser_tokens_are_tried_before_finer_ones() -> None:
    """A kernel's name may repeat within a step where its name and grid do not."""
    coarse = np.array([0, 1, 0] * 4)
    fine = np.array([0, 1, 2] * 4)
    period = find_period(np.stack([coarse, fine]), np.ones(12, np.int64), np.zeros(12, bool))
    assert period is not None
    assert period.length == 3


def test_a_kernel_that_comes_twice_a_step_at_equal_distance_is_no_step() -> None:
    assert {"".join(sorted(step)) for step in steps_of("mabcmdef" * 6) or ()} == {"abcdefmm"}


def test_a_step_in_which_few_kernels_differ_is_alike() -> None:
    step = "*" + "abcdefghij" * 4
    other = step.replace("j", "k", 1)
    assert steps_of((step * 4 + other) * 2) == sorted([step, other])


def test_sequences_are_alike_within_their_tolerance() -> None:
    hundred = np.full(100, 1)
    assert is_alike(hundred, np.repeat([1, 2], [90, 10]))
    assert not is_alike(hundred, np.repeat([1, 2], [89, 11]))
    assert is_alike(hundred, np.full(80, 1))
    assert not is_alike(hundred, np.full(79, 1))
    assert is_alike(np.array([1, 2, 2]), np.array([2, 1, 2]))
    assert not is_alike(hundred, hundred[:0])
    assert not is_alike(hundred[:0], hundred)


@given(
    st.lists(st.integers(0, 3), max_size=40),
    st.lists(st.integers(0, 3), max_size=20),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=12),
    st.sampled_from([1, 30, 1 << 18]),
)
def test_many_stretches_are_compared_as_each_by_itself(
    sequence: list[int], typical: list[int], bounds: list[tuple[int, int]], at_once: int
) -> None:
    tokens = np.array(sequence, np.int64)
    first = np.minimum(np.array([begin for begin, _ in bounds], np.int64), len(tokens))
    end = np.minimum(first + np.array([length for _, length in bounds], np.int64), len(tokens))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(period_module, "_COUNTS_AT_ONCE", at_once)
        found = are_alike(tokens, first, end, np.array(typical, np.int64)).tolist()
    expected = []
    for begin, stop in zip(first.tolist(), end.tolist(), strict=True):
        one, other = Counter(sequence[begin:stop]), Counter(typical)
        difference = ((one - other) + (other - one)).total()
        expected.append(difference <= 0.2 * max(stop - begin, len(typical)))
    assert found == expected
