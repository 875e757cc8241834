"""Every kernel against the NumPy reference: random inputs, awkward sizes, outputs poisoned first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.backends.numpy_backend import NumpyOperations
from engine.formats import BF16, FP16, FP32, Q8_0, WeightFormat
from engine.operations import (
    Buffer,
    DecodeState,
    HeadShape,
    Input,
    Matrix,
    Normed,
    Operations,
    Rotation,
    Sampling,
    Site,
)
from engine.variants import Variant

pytestmark = pytest.mark.gpu

FORMATS = [FP32, BF16, FP16, Q8_0]
SITE = Site("attention", "role", 0)
SEEDS = [1, 2]
# Relative errors (of norms): what the form of an output rounds, above what sums in another order do.
ROUNDING = {"fp32": 2e-6, "fp16": 1e-3, "bf16": 8e-3, "q8_0": 8e-3}


@dataclass(frozen=True)
class Pair:
    """The reference and the device, with the same numbers."""

    numpy: NumpyOperations
    cuda: Any

    def each(self) -> Iterator[Operations]:
        yield self.numpy
        yield self.cuda

    def floats(self, values: NDArray[Any]) -> list[Buffer]:
        buffers = [ops.floats("values", *values.shape) for ops in self.each()]
        for ops, buffer in zip(self.each(), buffers, strict=True):
            ops.write(buffer, values.astype(np.float32))
        return buffers

    def integers(self, values: list[int]) -> list[Buffer]:
        buffers = [ops.integers("values", len(values)) for ops in self.each()]
        for ops, buffer in zip(self.each(), buffers, strict=True):
            ops.write(buffer, np.asarray(values, np.int32))
        return buffers

    def matrices(self, format_: WeightFormat, sections: tuple[int, ...], columns: int, seed: int) -> list[Matrix]:
        matrices = [ops.random_matrix("matrix", format_, sections, columns, seed) for ops in self.each()]
        for ops, matrix in zip(self.each(), matrices, strict=True):
            ops.reserve([matrix], 300)
        return matrices

    def inputs(self, format_: WeightFormat, values: NDArray[Any]) -> list[Input]:
        """Rows as a norm with weights of one leaves them, scaled so that it changes little."""
        tokens, columns = values.shape
        inputs = []
        for ops, hidden in zip(self.each(), self.floats(values), strict=True):
            out = ops.input("input", tokens, columns, format_)
            ops.norm(SITE, tokens, Normed(hidden, ops.vector("ones", np.ones(columns, np.float32)), 1e-6), out)
            inputs.append(out)
        return inputs

    def close(self, buffers: list[Any], tolerance: float, rows: int | None = None) -> None:
        expected, got = (ops.read(buffer, rows) for ops, buffer in zip(self.each(), buffers, strict=True))
        assert got.shape == expected.shape
        assert np.isfinite(got).all()
        error = np.linalg.norm((got - expected).astype(np.float64)) / max(np.linalg.norm(expected), 1e-30)
        assert error <= tolerance, f"relative error {error:.2e}"


@pytest.fixture(scope="module")
def pair() -> Pair:
    from engine.backends.cuda.operations import CudaOperations

    return Pair(NumpyOperations(), CudaOperations())


def poisoned(pair: Pair, *shape: int) -> list[Buffer]:
    return pair.floats(np.full(shape, np.nan))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_random_matrices_are_the_reference_s(pair: Pair, format_: WeightFormat) -> None:
    expected, got = pair.matrices(format_, (33, 7), 96, 5)
    values = {part: array.get() for part, array in got.parts.items()}
    np.testing.assert_array_equal(format_.unpack(values), expected.parts["values"])


@pytest.mark.parametrize("tokens", [1, 5])
@pytest.mark.parametrize("columns", [32, 96, 2560])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_embed(pair: Pair, format_: WeightFormat, columns: int, tokens: int) -> None:
    ids, tables = pair.integers([3, 0, 40, 3, 17][:tokens]), pair.matrices(format_, (41,), columns, 3)
    hidden = poisoned(pair, tokens, columns)
    for ops, each, table, out in zip(pair.each(), ids, tables, hidden, strict=True):
        ops.embed(SITE, tokens, each, table, out)
    pair.close(hidden, 1e-7)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("columns", [32, 96, 2560, 14336])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_norm(pair: Pair, format_: WeightFormat, columns: int, tokens: int, seed: int) -> None:
    weight, values = rng(seed).normal(1, 0.2, columns), rng(seed + 9).normal(0, 3, (tokens, columns))
    outs = []
    for ops, hidden in zip(pair.each(), pair.floats(values), strict=True):
        outs.append(ops.input("out", tokens, columns, format_))
        ops.norm(SITE, tokens, Normed(hidden, ops.vector("w", weight.astype(np.float32)), 1e-6), outs[-1])
    pair.close(outs, ROUNDING[format_.name], tokens)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(16, 32), (31, 96), (130, 416), (1000, 2560), (257, 14336)])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_products_of_one_row(pair: Pair, format_: WeightFormat, shape: tuple[int, int], seed: int) -> None:
    rows, columns = shape
    inputs = pair.inputs(format_, rng(seed).normal(0, 1, (1, columns)))
    matrices = pair.matrices(format_, (rows,), columns, seed)
    before = rng(seed + 5).normal(0, 1, (1, rows))
    outs, hidden = poisoned(pair, 1, rows), pair.floats(before)
    for ops, x, matrix, out, sum_ in zip(pair.each(), inputs, matrices, outs, hidden, strict=True):
        ops.project(SITE, 1, x, matrix, out)
        ops.project_add(SITE, 1, x, matrix, sum_)
    # The input's own rounding may fall on the other side of a half here and there.
    pair.close(outs, 4e-3 if format_ is Q8_0 else 1e-3)
    pair.close(hidden, 4e-3 if format_ is Q8_0 else 1e-3)


@pytest.mark.parametrize("columns", [32, 96, 2560, 8192])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_a_product_that_norms_on_reading_is_the_same_bit_by_bit(
    pair: Pair, format_: WeightFormat, columns: int
) -> None:
    ops = pair.cuda
    hidden = ops.floats("hidden", 1, columns)
    ops.write(hidden, rng(3).normal(0, 2, (1, columns)).astype(np.float32))
    normed = Normed(hidden, ops.vector("w", rng(4).normal(1, 0.2, columns).astype(np.float32)), 1e-6)
    matrix = ops.random_matrix("matrix", format_, (77,), columns, 8)
    x, fused, separate = ops.input("x", 1, columns, format_), ops.floats("a", 1, 77), ops.floats("b", 1, 77)
    ops.project(SITE, 1, normed, matrix, fused)
    ops.norm(SITE, 1, normed, x)
    ops.project(SITE, 1, x, matrix, separate)
    np.testing.assert_array_equal(ops.read(fused), ops.read(separate))


@pytest.mark.parametrize("tokens", [1, 2, 37])
@pytest.mark.parametrize("shape", [(32, 64), (96, 96), (9728, 2560)])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_gate_up(pair: Pair, format_: WeightFormat, shape: tuple[int, int], tokens: int) -> None:
    width, columns = shape
    inputs = pair.inputs(format_, rng(1).normal(0, 1, (tokens, columns)))
    outs = []
    for ops, x, matrix in zip(pair.each(), inputs, pair.matrices(format_, (width, width), columns, 6), strict=True):
        outs.append(ops.input("out", tokens, width, format_))
        ops.gate_up(SITE, tokens, x, matrix, outs[-1])
    pair.close(outs, 2 * ROUNDING[format_.name] + 1e-5, tokens)


@pytest.mark.parametrize("tokens", [2, 7, 130])
@pytest.mark.parametrize("shape", [(32, 64), (96, 96), (1000, 2560)])
@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_products_of_many_rows(pair: Pair, format_: WeightFormat, shape: tuple[int, int], tokens: int) -> None:
    rows, columns = shape
    inputs = pair.inputs(format_, rng(2).normal(0, 1, (tokens, columns)))
    outs, hidden = poisoned(pair, tokens, rows), pair.floats(rng(3).normal(0, 1, (tokens, rows)))
    matrices = pair.matrices(format_, (rows,), columns, 4)
    for ops, x, matrix, out, sum_ in zip(pair.each(), inputs, matrices, outs, hidden, strict=True):
        ops.project(SITE, tokens, x, matrix, out)
        ops.project_add(SITE, tokens, x, matrix, sum_)
    pair.close(outs, 1e-3)
    pair.close(hidden, 1e-3)


HEADS = [HeadShape(4, 2, 32), HeadShape(24, 8, 128), HeadShape(32, 8, 64), HeadShape(6, 1, 16), HeadShape(8, 8, 256)]


@dataclass(frozen=True)
class Attention:
    """What attention needs on both sides."""

    qkv: list[Buffer]
    position: list[Buffer]
    caches: list[Any]
    rotations: list[Rotation]


def attention_inputs(
    pair: Pair, shape: HeadShape, format_: WeightFormat, tokens: int, start: int, seed: int, *, norms: bool
) -> Attention:
    random, capacity = rng(seed), start + tokens + 3
    caches = [ops.cache("cache", shape, capacity, format_) for ops in pair.each()]
    for part in ("keys", "values"):
        old = format_.round_rows(random.normal(0, 1, (shape.kv_heads, capacity, shape.head_dim)).astype(np.float32))
        # What lies behind the newest position must not be read.
        old[:, start:] = np.nan
        pair.numpy.write(getattr(caches[0], part), old)
        pair.cuda.write(getattr(caches[1], part), format_.pack(old.reshape(-1, shape.head_dim))["values"])
    turns = (10000.0 ** (-np.arange(shape.head_dim // 2) / (shape.head_dim // 2))).astype(np.float32)
    weights = [random.normal(1, 0.1, shape.head_dim).astype(np.float32) for _ in range(2)]
    rotations = [
        Rotation(
            ops.vector("f", turns),
            (ops.vector("q", weights[0]), ops.vector("k", weights[1])) if norms else None,
            1e-6,
        )
        for ops in pair.each()
    ]
    qkv = pair.floats(random.normal(0, 1, (tokens, shape.width)))
    return Attention(qkv, pair.integers([start]), caches, rotations)


def rounded_cache(pair: Pair, caches: list[Any], part: str, tokens: int, start: int, format_: WeightFormat) -> None:
    expected = getattr(caches[0], part)[:, start : start + tokens]
    raw = getattr(caches[1], part).get()[:, start : start + tokens]
    got = format_.unpack({"values": raw.reshape(-1, raw.shape[-1])}).reshape(expected.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-2, atol=1e-2)
    assert np.linalg.norm(got - expected) <= 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize(("tokens", "start"), [(1, 0), (1, 900), (5, 0), (33, 70)])
@pytest.mark.parametrize("cache_format", [FP16, BF16], ids=lambda each: each.name)
@pytest.mark.parametrize("shape", HEADS, ids=str)
def test_rotate_and_store(
    pair: Pair, shape: HeadShape, cache_format: WeightFormat, tokens: int, start: int, norms: bool
) -> None:
    given = attention_inputs(pair, shape, cache_format, tokens, start, 7, norms=norms)
    for index, ops in enumerate(pair.each()):
        ops.rotate_and_store(
            SITE, tokens, given.qkv[index], shape, given.rotations[index], given.position[index], given.caches[index]
        )
    queries = [
        ops.read(qkv)[:, : shape.heads * shape.head_dim] for ops, qkv in zip(pair.each(), given.qkv, strict=True)
    ]
    np.testing.assert_allclose(queries[1], queries[0], rtol=1e-4, atol=1e-4)
    for part in ("keys", "values"):
        rounded_cache(pair, given.caches, part, tokens, start, cache_format)


@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("start", [0, 1, 15, 16, 300, 5000])
@pytest.mark.parametrize("cache_format", [FP16, BF16], ids=lambda each: each.name)
@pytest.mark.parametrize("shape", HEADS, ids=str)
def test_attention_of_one_row(
    pair: Pair, shape: HeadShape, cache_format: WeightFormat, start: int, rotates: bool
) -> None:
    given = attention_inputs(pair, shape, cache_format, 1, start, start + 1, norms=rotates)
    outs = []
    for index, ops in enumerate(pair.each()):
        outs.append(ops.input("out", 1, shape.heads * shape.head_dim, FP32))
        arguments = (given.qkv[index], shape)
        rotation, position, cache = given.rotations[index], given.position[index], given.caches[index]
        if not rotates:
            ops.rotate_and_store(SITE, 1, *arguments, rotation, position, cache)
        ops.attend(SITE, 1, *arguments, rotation if rotates else None, position, cache, outs[-1])
    pair.close(outs, 2e-3, 1)


@pytest.mark.parametrize(("tokens", "start"), [(2, 0), (17, 0), (64, 0), (65, 1), (130, 300), (300, 127)])
@pytest.mark.parametrize("cache_format", [FP16, BF16], ids=lambda each: each.name)
@pytest.mark.parametrize("shape", HEADS, ids=str)
def test_attention_of_many_rows(
    pair: Pair, shape: HeadShape, cache_format: WeightFormat, tokens: int, start: int
) -> None:
    given = attention_inputs(pair, shape, cache_format, tokens, start, 11, norms=False)
    outs = []
    for index, ops in enumerate(pair.each()):
        outs.append(ops.input("out", tokens, shape.heads * shape.head_dim, FP32))
        rotation, position, cache = given.rotations[index], given.position[index], given.caches[index]
        ops.rotate_and_store(SITE, tokens, given.qkv[index], shape, rotation, position, cache)
        ops.attend(SITE, tokens, given.qkv[index], shape, None, position, cache, outs[-1])
    pair.close(outs, 2e-3 if cache_format is FP16 else 1.2e-2, tokens)


@pytest.mark.parametrize("count", [1, 31, 512, 151_936])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=1.0, seed=7),
        Sampling(temperature=0.7, top_k=40, top_p=0.9, seed=3),
        Sampling(temperature=1.5, top_p=0.5, seed=2**63 + 5),
    ],
    ids=["greedy", "plain", "top_k_and_top_p", "top_p"],
)
def test_sample(pair: Pair, sampling: Sampling, count: int) -> None:
    chosen: list[list[int]] = [[], []]
    logits = [np.round(rng(step).normal(0, 3, (1, count)), 1) for step in range(8)]
    for index, ops in enumerate(pair.each()):
        state = DecodeState(
            ops.integers("token", 1), ops.integers("position", 1), ops.integers("step", 1), ops.outbox("tokens", 8)
        )
        buffer = ops.floats("logits", 1, count)
        for values in logits:
            ops.write(buffer, values.astype(np.float32))
            ops.sample(SITE, 3, buffer, sampling, state)
            chosen[index].append(ops.peek(state.tokens, len(chosen[index]), ops.mark()))
            assert int(ops.read(state.token)[0]) == chosen[index][-1]
        assert int(ops.read(state.position)[0]) == 24
        assert int(ops.read(state.step)[0]) == 8
    assert chosen[0] == chosen[1]


def test_last_row(pair: Pair) -> None:
    hidden, outs = pair.floats(rng(1).normal(0, 1, (5, 64))), poisoned(pair, 1, 64)
    for ops, rows, out in zip(pair.each(), hidden, outs, strict=True):
        ops.last_row(SITE, 3, rows, out)
    pair.close(outs, 0)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
@pytest.mark.parametrize(
    "variant", [Variant.UNFUSED_QKV, Variant.UNFUSED_GATE_UP, Variant.SEPARATE_CAST, Variant.NO_PDL]
)
def test_variants_of_products_are_the_same_bit_by_bit(variant: Variant, format_: WeightFormat) -> None:
    from engine.backends.cuda.operations import CudaOperations

    results = []
    for variants in (frozenset[Variant](), frozenset({variant})):
        ops = CudaOperations(variants)
        hidden = ops.floats("hidden", 1, 256)
        ops.write(hidden, rng(3).normal(0, 2, (1, 256)).astype(np.float32))
        normed = Normed(hidden, ops.vector("w", np.ones(256, np.float32)), 1e-6)
        x, gated = ops.input("x", 1, 256, format_), ops.input("gated", 1, 384, format_)
        qkv = ops.floats("qkv", 1, 128)
        matrices = [
            ops.random_matrix("qkv", format_, (64, 32, 32), 256, 1),
            ops.random_matrix("gate_up", format_, (384, 384), 256, 2),
            ops.random_matrix("down", format_, (256,), 384, 3),
        ]
        ops.reserve(matrices, 1)
        ops.norm(SITE, 1, normed, x)
        ops.project(SITE, 1, x, matrices[0], qkv)
        ops.gate_up(SITE, 1, x, matrices[1], gated)
        results.append((ops.read(qkv), ops.read(gated, 1)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
