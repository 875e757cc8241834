"""The operations that a model is made of: what each computes, whoever computes it.

A backend brings its own buffers and does these operations on them. Activations are rows of single precision, one row
a token, except where a product with weights reads them: such rows are an `Input`, which a backend keeps in the form
that the weights' format asks for (`WeightFormat.round_vector` for one row, `round_rows` for more).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from engine.formats import Parts, WeightFormat
from engine.memory import MemoryUse

# Whatever a backend keeps numbers in.
Buffer = Any
# Whatever a backend knows a point of its work by.
Mark = Any


@dataclass(frozen=True)
class Site:
    """Where in a model an operation stands: what an annotation says of its kernels."""

    layer_type: str
    role: str
    layer: int | None = None


@dataclass(frozen=True)
class Matrix:
    """A packed weight of shape (rows, columns) in a backend's memory.

    Attributes:
        format: how it is packed.
        rows: outputs.
        columns: inputs.
        parts: its arrays, as `format.layout` names them.
        sections: the rows of the matrices that it was made of, one above the other.
    """

    format: WeightFormat
    rows: int
    columns: int
    parts: dict[str, Buffer]
    sections: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """What it weighs."""
        return self.format.size_bytes(self.rows, self.columns)


@dataclass(frozen=True)
class Input:
    """Rows of `columns` numbers for a product with weights of `format`, in buffers that the backend names."""

    format: WeightFormat
    columns: int
    buffers: dict[str, Buffer]


@dataclass(frozen=True)
class Normed:
    """The rows of `hidden` behind their norm, which the product that reads them computes on the way."""

    hidden: Buffer
    weight: Buffer
    epsilon: float


@dataclass(frozen=True)
class HeadShape:
    """How queries, keys and values divide into heads."""

    heads: int
    kv_heads: int
    head_dim: int

    @property
    def width(self) -> int:
        """Of a row of all queries, all keys, all values."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim


@dataclass(frozen=True)
class Rotation:
    """What turns queries and keys by their position, after their norms where there are any.

    Attributes:
        frequencies: the angle that a step of one position turns each pair of a head, shape (head_dim / 2,).
        norms: weights of the RMSNorm of every query and every key head, each of shape (head_dim,).
        epsilon: of these norms.
    """

    frequencies: Buffer
    norms: tuple[Buffer, Buffer] | None
    epsilon: float


@dataclass(frozen=True)
class LayerCache:
    """Keys and values of one layer in `format`, each of shape (kv_heads, capacity, head_dim)."""

    format: WeightFormat
    capacity: int
    keys: Buffer
    values: Buffer


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the likeliest; else logits are divided by it.
        top_k: only so many of the likeliest, 0 for all.
        top_p: only the likeliest that together hold this probability.
        seed: of the random numbers.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 42


class Operations(ABC):
    """One backend. Outputs are written into buffers made before; `tokens` says how many of their rows are in use.

    A `position` holds, in a single integer, how many tokens the cache held before these: the first of them stands at
    that position. It lies with the backend, so that a captured step can be replayed.
    """

    @abstractmethod
    def floats(self, name: str, *shape: int) -> Buffer:
        """A new buffer of single precision, filled with zeros."""

    @abstractmethod
    def integers(self, name: str, *shape: int) -> Buffer:
        """A new buffer of 32-bit integers, filled with zeros."""

    @abstractmethod
    def input(self, name: str, capacity: int, columns: int, format_: WeightFormat) -> Input:
        """New rows for products with weights of this format."""

    @abstractmethod
    def cache(self, name: str, shape: HeadShape, capacity: int, format_: WeightFormat) -> LayerCache:
        """An empty cache for one layer."""

    @abstractmethod
    def vector(self, name: str, values: NDArray[Any]) -> Buffer:
        """Constants of single precision, such as a norm's weight, copied into the backend's memory."""

    @abstractmethod
    def matrix(self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, parts: Parts) -> Matrix:
        """A packed weight, copied into the backend's memory."""

    @abstractmethod
    def random_matrix(
        self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, seed: int
    ) -> Matrix:
        """A packed weight of seeded random numbers, made where it is kept; `engine.weights.synthetic` says which."""

    @abstractmethod
    def reserve(self, matrices: Sequence[Matrix], tokens: int) -> None:
        """Makes room for what products of up to so many rows with these matrices need on the way; before the first."""

    @abstractmethod
    def write(self, buffer: Buffer, values: NDArray[Any]) -> None:
        """Copies values into the first places of a buffer."""

    @abstractmethod
    def read(self, buffer: Buffer | Input, rows: int | None = None) -> NDArray[Any]:
        """The first `rows` rows of a buffer (all of them by default) on the host; of an input, the rounded numbers."""

    @abstractmethod
    def norms_on_reading(self, tokens: int) -> bool:
        """Whether products of so many rows take a `Normed`, which saves the norm a pass of its own."""

    @abstractmethod
    def rotates_on_reading(self, tokens: int) -> bool:
        """Whether attention of so many rows takes a rotation, which saves `rotate_and_store` a pass of its own."""

    @abstractmethod
    def embed(self, site: Site, tokens: int, ids: Buffer, table: Matrix, hidden: Buffer) -> None:
        """`hidden[t] = table[ids[t]]`."""

    @abstractmethod
    def norm(self, site: Site, tokens: int, normed: Normed, out: Input) -> None:
        """Root-mean-square norm of every row (Zhang and Sennrich, 2019).

        `out[t] = hidden[t] / sqrt(mean(hidden[t]²) + epsilon) * weight`.
        """

    @abstractmethod
    def project(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: Buffer) -> None:
        """`out[t] = weight @ x[t]`. The weight's rows may be several projections' of the same input."""

    @abstractmethod
    def project_add(self, site: Site, tokens: int, x: Input, weight: Matrix, hidden: Buffer) -> None:
        """`hidden[t] += weight @ x[t]`."""

    @abstractmethod
    def gate_up(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: Input) -> None:
        """`out[t] = silu(gate) * up` where `gate, up = split(weight @ x[t])` (SwiGLU; Shazeer, 2020)."""

    @abstractmethod
    def rotate_and_store(
        self,
        site: Site,
        tokens: int,
        qkv: Buffer,
        shape: HeadShape,
        rotation: Rotation,
        position: Buffer,
        cache: LayerCache,
    ) -> None:
        """Norms and rotates the queries in place in `qkv`, and the keys on their way to the cache, with the values.

        A row of `qkv` is all queries, all keys, all values; pairs that turn together lie half a head apart.
        """

    @abstractmethod
    def attend(
        self,
        site: Site,
        tokens: int,
        qkv: Buffer,
        shape: HeadShape,
        rotation: Rotation | None,
        position: Buffer,
        cache: LayerCache,
        out: Input,
    ) -> None:
        """Causal attention of the queries in `qkv` over all that the cache holds up to each row's own position.

        `out[t]` is `softmax(q kᵀ / sqrt(head_dim)) v` of all heads. With a rotation, `rotate_and_store` comes first.
        """

    @abstractmethod
    def last_row(self, site: Site, tokens: int, hidden: Buffer, out: Buffer) -> None:
        """`out[0] = hidden[tokens - 1]`: only the last token of a prompt needs logits."""

    @abstractmethod
    def sample(self, site: Site, tokens: int, logits: Buffer, sampling: Sampling, state: "DecodeState") -> None:
        """Chooses the token that follows so many that were just read, and moves on.

        `state.token` and `state.tokens[state.step]` become that token; `state.position` grows by `tokens`, and
        `state.step` by one.
        """

    @abstractmethod
    def outbox(self, name: str, capacity: int) -> Buffer:
        """A new buffer of 32-bit integers, which the host reads with `peek`."""

    @abstractmethod
    def mark(self) -> Mark:
        """A mark behind all that was asked for until now."""

    @abstractmethod
    def peek(self, outbox: Buffer, index: int, mark: Mark) -> int:
        """Waits for a mark, and reads one place of an outbox."""

    @abstractmethod
    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        """Something that does what `step` does, as cheaply as the backend can: a replayed graph, or `step` itself."""

    @abstractmethod
    def step_workspace(self) -> AbstractContextManager[None]:
        """Whatever a decode step takes and gives back; nothing, unless a variant asks for it."""

    @abstractmethod
    def memory(self) -> MemoryUse:
        """What was taken so far, and for what."""

    @abstractmethod
    def finish(self) -> None:
        """Waits until all that was asked for is done."""


@dataclass(frozen=True)
class DecodeState:
    """What changes from step to step, kept with the backend, so that every step is the same work.

    Attributes:
        token: the newest token, shape (1,).
        position: how many tokens the cache holds, shape (1,).
        step: how many tokens were chosen, shape (1,).
        tokens: an outbox of those tokens, shape (capacity,).
    """

    token: Buffer
    position: Buffer
    step: Buffer
    tokens: Buffer
