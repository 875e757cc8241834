import numpy as np
import pytest

from engine.backends.numpy_backend import NumpyOperations
from engine.inspection import Counter, Stopped, counted
from engine.operations import Site
from tests.unit.engine.engines import tiny


def counted_decode(stop_after: int | None) -> tuple[list[Site], np.ndarray]:
    """The operations of a prompt of one token, and the logits then."""
    counter = Counter([])
    engine = tiny("tiny-llama")
    # A runner annotates the operations that it was given: so the counter goes around those.
    runner = engine.runner
    runner._ops = counted(runner._ops, counter, stop_after)
    try:
        runner.prefill([3])
    except Stopped:
        assert stop_after is not None
    return counter.sites, runner.logits()


def test_operations_are_counted_in_their_order() -> None:
    sites, logits = counted_decode(None)
    assert len(sites) == 1 + 2 * 8 + 3
    assert sites[0] == Site("embedding", "embed")
    assert sites[3] == Site("attention", "rope", 0)
    assert sites[-1] == Site("sampling", "sample")
    assert logits.any()


def test_a_run_stops_behind_any_operation() -> None:
    whole, _ = counted_decode(None)
    for stop_after in (1, 5, 18):
        sites, logits = counted_decode(stop_after)
        assert sites == whole[:stop_after]
        assert not logits.any()
    sites, logits = counted_decode(19)
    assert sites[-1] == Site("lm_head", "lm_head")
    assert logits.any()


def test_two_backends_can_be_compared_behind_each_operation() -> None:
    ops = NumpyOperations()
    counter = Counter([])
    watched = counted(ops, counter, 1)
    hidden = watched.floats("hidden", 2, 2)
    with pytest.raises(Stopped):
        watched.last_row(Site("lm_head", "last_row"), 2, np.eye(2, dtype=np.float32), hidden)
    assert np.array_equal(ops.read(hidden), [[0, 1], [0, 0]])
