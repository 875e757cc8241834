"""Every operation against a formula written another way, in double precision and element by element."""

import cmath
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backends.numpy_backend import NumpyOperations
from engine.formats import BF16, FORMATS, FP16, FP32, Q8_0
from engine.operations import DecodeState, HeadShape, Input, Matrix, Normed, Rotation, Sampling, Site

SITE = Site("test", "test")
HEADS = HeadShape(heads=4, kv_heads=2, head_dim=8)
FREQUENCIES = (100.0 ** (-np.arange(4) / 4)).astype(np.float32)
Floats = NDArray[np.float32]


@pytest.fixture
def ops() -> NumpyOperations:
    return NumpyOperations()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def normal(random: np.random.Generator, *shape: int) -> Floats:
    return random.standard_normal(shape).astype(np.float32)


def matrix(ops: NumpyOperations, values: Floats) -> Matrix:
    return ops.matrix("m", FP32, (len(values),), values.shape[1], FP32.pack(values))


def as_input(ops: NumpyOperations, values: Floats) -> Input:
    rows = ops.input("x", len(values), values.shape[1], FP32)
    ops.write(rows.buffers["values"], values)
    return rows


def rms_norm(row: Floats, weight: Floats, epsilon: float) -> list[float]:
    mean_square = sum(float(x) ** 2 for x in row) / len(row)
    return [float(x) / math.sqrt(mean_square + epsilon) * float(w) for x, w in zip(row, weight, strict=True)]


def test_embed_looks_rows_up(ops: NumpyOperations, random: np.random.Generator) -> None:
    table, ids = normal(random, 9, 4), np.array([8, 0, 3, 5], np.int32)
    hidden = ops.floats("hidden", 5, 4)
    ops.embed(SITE, 3, ids, matrix(ops, table), hidden)
    assert np.array_equal(hidden[:3], np.stack([table[8], table[0], table[3]]))
    assert not hidden[3:].any()


def test_norm_divides_by_the_root_of_the_mean_square(ops: NumpyOperations, random: np.random.Generator) -> None:
    hidden, weight = normal(random, 3, 6), normal(random, 6)
    out = ops.input("out", 3, 6, FP32)
    ops.norm(SITE, 2, Normed(hidden, weight, 1e-3), out)
    expected = [rms_norm(row, weight, 1e-3) for row in hidden[:2]]
    np.testing.assert_allclose(ops.read(out, 2), expected, rtol=1e-5)
    assert not ops.read(out)[2:].any()


@pytest.mark.parametrize("tokens", [1, 3])
def test_products_are_sums_of_products(ops: NumpyOperations, random: np.random.Generator, tokens: int) -> None:
    x, weight, hidden = normal(random, 3, 6), normal(random, 5, 6), normal(random, 3, 5)
    expected = [[math.fsum(float(a) * float(b) for a, b in zip(row, w, strict=True)) for w in weight] for row in x]
    out = ops.floats("out", 3, 5)
    ops.project(SITE, tokens, as_input(ops, x), matrix(ops, weight), out)
    np.testing.assert_allclose(out[:tokens], expected[:tokens], rtol=1e-5, atol=1e-6)
    assert not out[tokens:].any()
    added = hidden.copy()
    ops.project_add(SITE, tokens, as_input(ops, x), matrix(ops, weight), added)
    np.testing.assert_allclose(added[:tokens], hidden[:tokens] + expected[:tokens], rtol=1e-5, atol=1e-5)
    assert np.array_equal(added[tokens:], hidden[tokens:])


def test_a_product_may_norm_what_it_reads(ops: NumpyOperations, random: np.random.Generator) -> None:
    hidden, norm, weight = normal(random, 2, 6), normal(random, 6), normal(random, 5, 6)
    normed, apart, at_once = ops.input("n", 2, 6, FP32), ops.floats("a", 2, 5), ops.floats("b", 2, 5)
    ops.norm(SITE, 2, Normed(hidden, norm, 1e-5), normed)
    ops.project(SITE, 2, normed, matrix(ops, weight), apart)
    ops.project(SITE, 2, Normed(hidden, norm, 1e-5), matrix(ops, weight), at_once)
    assert np.array_equal(apart, at_once)


def test_gate_up_gates_with_silu(ops: NumpyOperations, random: np.random.Generator) -> None:
    x, gate, up = normal(random, 2, 4), normal(random, 3, 4), normal(random, 3, 4)
    out = ops.input("out", 2, 3, FP32)
    ops.gate_up(SITE, 2, as_input(ops, x), matrix(ops, np.concatenate([gate, up])), out)
    for row, found in zip(x.astype(np.float64), ops.read(out), strict=True):
        for unit in range(3):
            g, u = float(row @ gate[unit]), float(row @ up[unit])
            assert found[unit] == pytest.approx(g * (1 + math.tanh(g / 2)) / 2 * u, rel=1e-4, abs=1e-6)


def turned(head: Floats, position: int) -> list[float]:
    """Pairs are complex numbers, and turning multiplies them."""
    half = len(head) // 2
    pairs = [complex(head[i], head[i + half]) * cmath.exp(1j * position * float(FREQUENCIES[i])) for i in range(half)]
    return [pair.real for pair in pairs] + [pair.imag for pair in pairs]


@pytest.mark.parametrize("with_norms", [False, True])
def test_queries_and_keys_are_turned_and_kept(
    ops: NumpyOperations, random: np.random.Generator, with_norms: bool
) -> None:
    qkv, norms = normal(random, 2, HEADS.width), (normal(random, 8), normal(random, 8))
    before = qkv.reshape(2, 8, 8).copy()
    cache = ops.cache("cache", HEADS, 6, FP32)
    rotation = Rotation(FREQUENCIES, norms if with_norms else None, 1e-5)
    ops.rotate_and_store(SITE, 2, qkv, HEADS, rotation, np.array([3], np.int32), cache)
    after = qkv.reshape(2, 8, 8)
    for row in range(2):
        for head in range(6):
            weight = norms[0] if head < 4 else norms[1]
            plain = before[row, head]
            normed = np.array(rms_norm(plain, weight, 1e-5)) if with_norms else plain
            found = after[row, head] if head < 4 else cache.keys[head - 4, 3 + row]
            np.testing.assert_allclose(found, turned(normed, 3 + row), rtol=1e-4, atol=1e-5)
        for head in range(2):
            assert np.array_equal(cache.values[head, 3 + row], before[row, 6 + head])
    assert not cache.keys[:, :3].any()
    assert not cache.keys[:, 5:].any()


@pytest.mark.parametrize(("tokens", "start"), [(1, 0), (1, 5), (3, 0), (3, 4)])
def test_attention_weighs_values_by_likeness_of_keys(
    ops: NumpyOperations, random: np.random.Generator, tokens: int, start: int
) -> None:
    cache = ops.cache("cache", HEADS, 8, FP32)
    cache.keys[:], cache.values[:] = normal(random, 2, 8, 8), normal(random, 2, 8, 8)
    qkv = normal(random, tokens, HEADS.width)
    out = ops.input("out", tokens, 32, FP32)
    ops.attend(SITE, tokens, qkv, HEADS, None, np.array([start], np.int32), cache, out)
    queries = qkv.reshape(tokens, 8, 8)
    for row in range(tokens):
        for head in range(4):
            keys, values = cache.keys[head // 2].astype(np.float64), cache.values[head // 2].astype(np.float64)
            seen = range(start + row + 1)
            powers = [math.exp(float(queries[row, head] @ keys[at]) / math.sqrt(8)) for at in seen]
            expected = sum(power * values[at] for power, at in zip(powers, seen, strict=True)) / math.fsum(powers)
            np.testing.assert_allclose(ops.read(out)[row, head * 8 : head * 8 + 8], expected, rtol=1e-4, atol=1e-5)


def test_attention_may_turn_what_it_reads(ops: NumpyOperations, random: np.random.Generator) -> None:
    qkv, position = normal(random, 2, HEADS.width), np.array([0], np.int32)
    rotation = Rotation(FREQUENCIES, None, 1e-5)
    outs, copies = [ops.input(name, 2, 32, FP32) for name in "ab"], [qkv.copy(), qkv.copy()]
    caches = [ops.cache(name, HEADS, 4, FP32) for name in "ab"]
    ops.rotate_and_store(SITE, 2, copies[0], HEADS, rotation, position, caches[0])
    ops.attend(SITE, 2, copies[0], HEADS, None, position, caches[0], outs[0])
    ops.attend(SITE, 2, copies[1], HEADS, rotation, position, caches[1], outs[1])
    assert np.array_equal(ops.read(outs[0]), ops.read(outs[1]))


def test_attention_stands_large_scores(ops: NumpyOperations) -> None:
    cache = ops.cache("cache", HEADS, 2, FP32)
    cache.keys[:], cache.values[:, 0], cache.values[:, 1] = 1000.0, 1.0, 3.0
    out = ops.input("out", 1, 32, FP32)
    qkv = np.full((1, HEADS.width), 1000.0, np.float32)
    ops.attend(SITE, 1, qkv, HEADS, None, np.array([1], np.int32), cache, out)
    assert np.allclose(ops.read(out), 2.0)


def test_the_last_row_is_the_last_in_use(ops: NumpyOperations, random: np.random.Generator) -> None:
    hidden, out = normal(random, 4, 3), ops.floats("out", 1, 3)
    ops.last_row(SITE, 3, hidden, out)
    assert np.array_equal(out[0], hidden[2])


def test_sampling_moves_on(ops: NumpyOperations) -> None:
    state = DecodeState(ops.integers("t", 1), ops.integers("p", 1), ops.integers("s", 1), ops.outbox("o", 3))
    logits = np.array([[0.0, 2.0, 1.0]], np.float32)
    ops.sample(SITE, 5, logits, Sampling(), state)
    ops.sample(SITE, 1, -logits, Sampling(), state)
    assert (state.token[0], state.position[0], state.step[0]) == (0, 6, 2)
    assert [ops.peek(state.tokens, index, ops.mark()) for index in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("tokens", [1, 2])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_products_round_their_input_as_their_format_says(
    ops: NumpyOperations, random: np.random.Generator, name: str, tokens: int
) -> None:
    format_ = FORMATS[name]
    hidden, norm, values = normal(random, 2, 64), normal(random, 64), 0.02 * normal(random, 8, 64)
    weight = ops.matrix("w", format_, (8,), 64, format_.pack(values))
    out = ops.floats("out", 2, 8)
    ops.project(SITE, tokens, Normed(hidden, norm, 1e-5), weight, out)
    exact = [rms_norm(row, norm, 1e-5) @ values.T.astype(np.float64) for row in hidden[:tokens]]
    tolerance = {"fp32": 1e-5, "fp16": 2e-3, "bf16": 2e-2, "q8_0": 3e-2}[name] * np.abs(exact).max()
    np.testing.assert_allclose(out[:tokens], exact, atol=tolerance)


@pytest.mark.parametrize("format_", [FP16, BF16])
def test_a_cache_keeps_what_its_format_can_hold(
    ops: NumpyOperations, random: np.random.Generator, format_: type
) -> None:
    qkv = normal(random, 1, HEADS.width)
    cache = ops.cache("cache", HEADS, 2, format_)
    values = qkv.reshape(8, 8)[6:].copy()
    ops.rotate_and_store(SITE, 1, qkv, HEADS, Rotation(FREQUENCIES, None, 1e-5), np.zeros(1, np.int32), cache)
    assert np.array_equal(cache.values[:, 0], format_.unpack(format_.pack(values)))
    assert not np.array_equal(cache.values[:, 0], values)


def test_memory_is_counted_by_its_use(ops: NumpyOperations) -> None:
    ops.floats("a", 10, 10)
    ops.cache("c", HEADS, 16, FP16)
    ops.matrix("w", Q8_0, (4,), 32, Q8_0.pack(np.ones((4, 32), np.float32)))
    memory = ops.memory()
    assert memory.workspaces_bytes == 400
    assert memory.cache_bytes == 2 * 2 * 16 * 8 * 4
    assert memory.weights_bytes == 4 * 32 * 4
    assert memory.peak_bytes == 400 + 2048 + 512
