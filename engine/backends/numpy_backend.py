"""The reference backend: every operation in NumPy, as plainly as it can be said."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.formats import Parts, WeightFormat
from engine.formats.format import FloatArray
from engine.memory import Ledger, MemoryUse, Use
from engine.operations import (
    DecodeState,
    HeadShape,
    Input,
    LayerCache,
    Matrix,
    Normed,
    Operations,
    Rotation,
    Sampling,
    Site,
)
from engine.sampling import choose
from engine.weights.synthetic import random_parts

Integers = NDArray[np.int32]


class NumpyOperations(Operations):
    """Operations on NumPy arrays in single precision."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    def floats(self, name: str, *shape: int) -> FloatArray:
        return self._zeros(Use.WORKSPACES, shape)

    def integers(self, name: str, *shape: int) -> Integers:
        return self._zeros(Use.WORKSPACES, shape).view(np.int32)

    def input(self, name: str, capacity: int, columns: int, format_: WeightFormat) -> Input:
        return Input(format_, columns, {"values": self.floats(name, capacity, columns)})

    def cache(self, name: str, shape: HeadShape, capacity: int, format_: WeightFormat) -> LayerCache:
        keys, values = (self._zeros(Use.CACHE, (shape.kv_heads, capacity, shape.head_dim)) for _ in range(2))
        return LayerCache(format_, capacity, keys, values)

    def vector(self, name: str, values: FloatArray) -> FloatArray:
        self._ledger.take(Use.WEIGHTS, values.nbytes)
        return values.copy()

    def matrix(self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, parts: Parts) -> Matrix:
        values = format_.unpack(parts)
        self._ledger.take(Use.WEIGHTS, values.nbytes)
        return Matrix(format_, sum(sections), columns, {"values": values}, tuple(sections))

    def random_matrix(
        self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, seed: int
    ) -> Matrix:
        return self.matrix(name, format_, sections, columns, random_parts(format_, sum(sections), columns, seed))

    def reserve(self, matrices: Sequence[Matrix], tokens: int) -> None:
        pass

    def write(self, buffer: NDArray[Any], values: NDArray[Any]) -> None:
        buffer.reshape(-1)[: values.size] = values.reshape(-1)

    def read(self, buffer: NDArray[Any] | Input, rows: int | None = None) -> NDArray[Any]:
        values: NDArray[Any] = buffer.buffers["values"] if isinstance(buffer, Input) else buffer
        return values[:rows].copy()

    def norms_on_reading(self, tokens: int) -> bool:
        return False

    def rotates_on_reading(self, tokens: int) -> bool:
        return False

    def embed(self, site: Site, tokens: int, ids: Integers, table: Matrix, hidden: FloatArray) -> None:
        hidden[:tokens] = table.parts["values"][ids[:tokens]]

    def norm(self, site: Site, tokens: int, normed: Normed, out: Input) -> None:
        _set(out, tokens, _normed(tokens, normed))

    def project(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: FloatArray) -> None:
        out[:tokens] = _product(tokens, x, weight)

    def project_add(self, site: Site, tokens: int, x: Input, weight: Matrix, hidden: FloatArray) -> None:
        hidden[:tokens] += _product(tokens, x, weight)

    def gate_up(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: Input) -> None:
        gate, up = np.split(_product(tokens, x, weight), 2, axis=1)
        _set(out, tokens, gate / (1 + np.exp(-gate)) * up)

    def rotate_and_store(
        self,
        site: Site,
        tokens: int,
        qkv: FloatArray,
        shape: HeadShape,
        rotation: Rotation,
        position: Integers,
        cache: LayerCache,
    ) -> None:
        start = int(position[0])
        queries, keys, values = _heads(qkv[:tokens], shape)
        turned_keys = keys
        if rotation.norms:
            queries[:] = _rms_norm(queries, rotation.norms[0], rotation.epsilon)
            turned_keys = _rms_norm(keys, rotation.norms[1], rotation.epsilon)
        angles = np.arange(start, start + tokens, dtype=np.float32)[:, None] * rotation.frequencies
        queries[:] = _rotated(queries, angles)
        for kept, new in ((cache.keys, _rotated(turned_keys, angles)), (cache.values, values)):
            kept[:, start : start + tokens] = cache.format.round_rows(new.swapaxes(0, 1))

    def attend(
        self,
        site: Site,
        tokens: int,
        qkv: FloatArray,
        shape: HeadShape,
        rotation: Rotation | None,
        position: Integers,
        cache: LayerCache,
        out: Input,
    ) -> None:
        if rotation:
            self.rotate_and_store(site, tokens, qkv, shape, rotation, position, cache)
        start = int(position[0])
        queries, _, _ = _heads(qkv[:tokens], shape)
        if tokens > 1:
            queries = cache.format.round_rows(queries)
        group = shape.heads // shape.kv_heads
        visible = np.arange(start + tokens) <= np.arange(start, start + tokens)[:, None]
        attended = np.empty_like(queries)
        for head in range(shape.heads):
            keys, values = (part[head // group, : start + tokens] for part in (cache.keys, cache.values))
            scores = queries[:, head] @ keys.T / np.sqrt(np.float32(shape.head_dim))
            attended[:, head] = _softmax(np.where(visible, scores, -np.inf)) @ values
        _set(out, tokens, attended.reshape(tokens, -1))

    def last_row(self, site: Site, tokens: int, hidden: FloatArray, out: FloatArray) -> None:
        out[0] = hidden[tokens - 1]

    def sample(self, site: Site, tokens: int, logits: FloatArray, sampling: Sampling, state: DecodeState) -> None:
        state.token[0] = choose(logits[0], sampling, int(state.step[0]))
        state.tokens[state.step[0]] = state.token[0]
        state.position[0] += tokens
        state.step[0] += 1

    def outbox(self, name: str, capacity: int) -> Integers:
        return self.integers(name, capacity)

    def mark(self) -> None:
        return None

    def peek(self, outbox: Integers, index: int, mark: None) -> int:
        return int(outbox[index])

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        return step

    def step_workspace(self) -> AbstractContextManager[None]:
        return nullcontext()

    def memory(self) -> MemoryUse:
        return self._ledger.summary(peak_bytes=self._ledger.total_bytes())

    def finish(self) -> None:
        pass

    def _zeros(self, use: Use, shape: tuple[int, ...]) -> FloatArray:
        zeros = np.zeros(shape, np.float32)
        self._ledger.take(use, zeros.nbytes)
        return zeros


def _rounded(tokens: int, values: FloatArray, format_: WeightFormat) -> FloatArray:
    return format_.round_vector(values) if tokens == 1 else format_.round_rows(values)


def _set(out: Input, tokens: int, values: FloatArray) -> None:
    out.buffers["values"][:tokens] = _rounded(tokens, values, out.format)


def _normed(tokens: int, normed: Normed) -> FloatArray:
    return _rms_norm(normed.hidden[:tokens], normed.weight, normed.epsilon)


def _product(tokens: int, x: Input | Normed, weight: Matrix) -> FloatArray:
    if isinstance(x, Normed):
        rows = _rounded(tokens, _normed(tokens, x), weight.format)
    else:
        rows = x.buffers["values"][:tokens]
    values = weight.parts["values"]
    product: FloatArray = rows @ (values if tokens == 1 else weight.format.round_rows(values)).T
    return product


def _rms_norm(rows: FloatArray, weight: FloatArray, epsilon: float) -> FloatArray:
    mean_square = np.mean(np.square(rows), axis=-1, keepdims=True)
    normed: FloatArray = rows / np.sqrt(mean_square + np.float32(epsilon)) * weight
    return normed


def _heads(qkv: FloatArray, shape: HeadShape) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Views of queries, keys and values, each of shape (tokens, heads, head_dim)."""
    heads = qkv.reshape(len(qkv), -1, shape.head_dim)
    queries, keys, values = np.split(heads, [shape.heads, shape.heads + shape.kv_heads], axis=1)
    return queries, keys, values


def _rotated(heads: FloatArray, angles: FloatArray) -> FloatArray:
    """Turns pairs whose parts lie half a head apart, as transformers stores them.

    Args:
        heads: shape (tokens, heads, head_dim).
        angles: shape (tokens, head_dim / 2).
    """
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = np.split(heads, 2, axis=-1)
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return shares
