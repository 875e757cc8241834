import numpy as np
import pytest

from workbench.trace.identifiers import StringPool, distinct
from workbench.trace.model import NONE


@pytest.mark.parametrize("ids", [[3, 4, 9], [0, 10**12, 5], [7]])
def test_positions_of_ids_dense_or_far_apart(ids: list[int]) -> None:
    pool = StringPool({number: f"text {number}" for number in ids})
    asked = [*ids, min(ids) - 1, max(ids) + 1, NONE]
    positions = pool.positions(np.array(asked))
    assert [pool.values[position] for position in positions[: len(ids)]] == [f"text {number}" for number in ids]
    assert positions[len(ids) :].tolist() == [NONE] * 3


def test_no_strings_at_all() -> None:
    assert StringPool({}).positions(np.array([1, 2])).tolist() == [NONE, NONE]


def test_interning_finds_what_is_there_and_adds_what_is_not() -> None:
    pool = StringPool({5: "a", 6: "b"})
    assert pool.intern("b") == 1
    assert pool.intern("c") == pool.intern("c") == 2
    assert pool.values == ["a", "b", "c"]


def test_distinct_over_several_columns() -> None:
    assert distinct([np.array([5, 5, 5]), np.array([7, 1, 7]), np.empty(0, np.int64)]).tolist() == [1, 5, 7]
