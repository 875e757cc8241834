import numpy as np
import pytest

from engine.operations import Sampling
from engine.sampling import choose, random_bits

LOGITS = np.log(np.array([0.1, 0.4, 0.05, 0.3, 0.15], np.float32))


def frequencies(sampling: Sampling, draws: int = 4000) -> np.ndarray:
    return np.bincount([choose(LOGITS, sampling, step) for step in range(draws)], minlength=5) / draws


def test_without_temperature_the_likeliest_is_chosen_and_the_first_of_equals() -> None:
    assert choose(LOGITS, Sampling(), 0) == 1
    assert choose(np.array([1, 3, 3, 2], np.float32), Sampling(), 9) == 1


def test_tokens_come_as_often_as_they_are_likely() -> None:
    np.testing.assert_allclose(frequencies(Sampling(temperature=1.0)), np.exp(LOGITS), atol=0.025)


def test_temperature_flattens_and_sharpens() -> None:
    for temperature in (0.5, 2.0):
        powers = np.exp(LOGITS / temperature)
        found = frequencies(Sampling(temperature=temperature))
        np.testing.assert_allclose(found, powers / powers.sum(), atol=0.025)


def test_top_k_leaves_so_many() -> None:
    np.testing.assert_allclose(frequencies(Sampling(temperature=1.0, top_k=2)), [0, 4 / 7, 0, 3 / 7, 0], atol=0.025)
    assert frequencies(Sampling(temperature=1.0, top_k=1), 50)[1] == 1
    assert (frequencies(Sampling(temperature=1.0, top_k=99)) > 0).all()


def test_top_p_leaves_the_fewest_that_hold_so_much() -> None:
    np.testing.assert_allclose(frequencies(Sampling(temperature=1.0, top_p=0.6)), [0, 4 / 7, 0, 3 / 7, 0], atol=0.025)
    assert frequencies(Sampling(temperature=1.0, top_p=1e-6), 50)[1] == 1


def test_top_p_is_a_share_of_what_top_k_leaves() -> None:
    # Of 0.4 and 0.3 the first holds more than half.
    assert frequencies(Sampling(temperature=1.0, top_k=2, top_p=0.5), 50)[1] == 1
    assert frequencies(Sampling(temperature=1.0, top_p=0.5), 500)[3] > 0


def test_tokens_that_cannot_come_never_do() -> None:
    logits = np.array([-np.inf, 0.0, -np.inf, 0.0], np.float32)
    assert {choose(logits, Sampling(temperature=5.0), step) for step in range(50)} == {1, 3}


def test_a_draw_depends_on_seed_and_step_alone() -> None:
    sampling = Sampling(temperature=1.0, seed=3)
    first = [choose(LOGITS, sampling, step) for step in range(50)]
    assert first == [choose(LOGITS, sampling, step) for step in range(50)]
    assert first != [choose(LOGITS, Sampling(temperature=1.0, seed=4), step) for step in range(50)]


def test_random_numbers_are_spread_evenly_over_24_bits() -> None:
    drawn = np.array([random_bits(42, step) for step in range(20_000)])
    assert drawn.min() >= 0
    assert drawn.max() < 1 << 24
    assert np.histogram(drawn, 10, (0, 1 << 24))[0] == pytest.approx(2000, rel=0.1)
    assert len(set(drawn)) > 19_900


def test_random_numbers_are_those_of_splitmix64() -> None:
    # The first outputs of the reference implementation for seed 1234567.
    outputs = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    assert [random_bits(1234567, step) for step in range(3)] == [output >> 40 for output in outputs]
