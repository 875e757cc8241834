"""The operations, on a GPU."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.cuda import description
from engine.backends.cuda.catalogue import model_sources
from engine.backends.cuda.forms import vector_form
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.launches import (
    ARGMAX_BLOCKS,
    argmax_launch,
    embed_launch,
    fill_launch,
    norm_launch,
    rope_launch,
    sample_launch,
)
from engine.backends.cuda.memory import DeviceMemory, HostIntegers
from engine.backends.cuda.model_limits import check_model
from engine.backends.cuda.nvml import conditions_during
from engine.backends.cuda.rows import Rows
from engine.backends.cuda.targets import Targets
from engine.backends.cuda.vectors import Vectors
from engine.config import ModelConfig
from engine.device import Conditions, Device, DeviceDescription
from engine.errors import EngineError
from engine.formats import Parts, WeightFormat
from engine.memory import MemoryUse, Use
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
from engine.variants import Variant

_FILL_BLOCKS_PER_MULTIPROCESSOR = 8
_OF_THE_SAME_KERNELS = {Variant.NO_GRAPHS, Variant.NO_PDL, Variant.MALLOC_PER_STEP}
_STEP_WORKSPACE_BYTES = 1 << 20


class CudaOperations(Operations, Device):
    """Operations on one GPU, in one stream."""

    def __init__(self, variants: frozenset[Variant] = frozenset()) -> None:
        """Opens the GPU.

        Args:
            variants: what is done the slow way.

        Raises:
            EngineError: there is no GPU, or none that the kernels run on.
        """
        self._gpu = Gpu(overlaps=Variant.NO_PDL not in variants)
        self._memory = DeviceMemory(self._gpu)
        self._variants = variants
        targets = Targets(self._gpu, self._memory, separate_cast=Variant.SEPARATE_CAST in variants)
        self._targets = targets
        self._vectors = Vectors(self._gpu, self._memory, targets, variants)
        self._rows = Rows(self._gpu, self._memory, targets)
        self._heads: Any = None
        self._best = self._memory.zeros(Use.WORKSPACES, (ARGMAX_BLOCKS,), np.uint64)
        self._arrived = self._memory.zeros(Use.WORKSPACES, (1,), np.int32)

    def describe(self) -> DeviceDescription:
        return description.describe(self._gpu, self._rows.products)

    def compile(self, config: ModelConfig, format_: WeightFormat, progress: Callable[[int, int], None]) -> None:
        check_model(config)
        gpu = self._gpu
        sources = model_sources(
            config, format_, gpu.arch, gpu.multiprocessors, variants=bool(self._variants - _OF_THE_SAME_KERNELS)
        )
        done = count(1)
        progress(0, len(sources))
        gpu.compile(sources, lambda _: progress(next(done), len(sources)))

    def conditions(self, work: Callable[[], object]) -> Conditions:
        return conditions_during(work, self._gpu.device.pci_bus_id)

    def measure_copy(self) -> float | None:
        return description.measure_copy(self._gpu, self._memory)

    def measure_products(self) -> float | None:
        return description.measure_products(self._gpu, self._memory, self._rows.products)

    def floats(self, name: str, *shape: int) -> Any:
        return self._memory.zeros(Use.WORKSPACES, shape, np.float32)

    def integers(self, name: str, *shape: int) -> Any:
        return self._memory.zeros(Use.WORKSPACES, shape, np.int32)

    def input(self, name: str, capacity: int, columns: int, format_: WeightFormat) -> Input:
        return self._targets.make(capacity, columns, format_)

    def cache(self, name: str, shape: HeadShape, capacity: int, format_: WeightFormat) -> LayerCache:
        if vector_form(format_).number_bytes != 2:
            raise EngineError(f"the GPU's attention reads caches of 16-bit numbers, not {format_.name}")
        self._vectors.slices(shape)
        size = (shape.kv_heads, capacity, shape.head_dim)
        keys, values = (self._memory.zeros(Use.CACHE, size, vector_form(format_).dtype) for _ in range(2))
        return LayerCache(format_, capacity, keys, values)

    def vector(self, name: str, values: NDArray[Any]) -> Any:
        return self._memory.upload(Use.WEIGHTS, values.astype(np.float32, copy=False))

    def matrix(self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, parts: Parts) -> Matrix:
        arrays = {part: self._memory.upload(Use.WEIGHTS, values) for part, values in parts.items()}
        return Matrix(format_, sum(sections), columns, arrays, tuple(sections))

    def random_matrix(
        self, name: str, format_: WeightFormat, sections: Sequence[int], columns: int, seed: int
    ) -> Matrix:
        rows = sum(sections)
        arrays = {
            part: self._memory.empty(Use.WEIGHTS, layout.shape, layout.dtype)
            for part, layout in format_.layout(rows, columns).items()
        }
        scales = arrays["scales"].data.ptr if "scales" in arrays else 0
        launch = fill_launch(format_, _FILL_BLOCKS_PER_MULTIPROCESSOR * self._gpu.multiprocessors)
        spread, weights = np.float32(format_.spread), np.uint64(rows * columns)
        self._gpu.launch(launch, arrays["values"].data.ptr, scales, spread, np.uint32(seed), weights)
        return Matrix(format_, rows, columns, arrays, tuple(sections))

    def reserve(self, matrices: Sequence[Matrix], tokens: int) -> None:
        self._targets.reserve(tokens, max(each.columns for each in matrices))
        self._vectors.reserve(matrices)
        if tokens > 1:
            self._rows.reserve(matrices, tokens)
        if Variant.COPY_PER_HEAD in self._variants:
            size = (tokens, max(each.rows for each in matrices))
            self._heads = self._memory.zeros(Use.WORKSPACES, size, np.float32)

    def write(self, buffer: Any, values: NDArray[Any]) -> None:
        self._memory.write(buffer, values)

    def read(self, buffer: Any, rows: int | None = None) -> NDArray[Any]:
        if isinstance(buffer, Input):
            return self._targets.read(buffer, len(buffer.buffers.get("rows", "1")) if rows is None else rows)
        if isinstance(buffer, HostIntegers):
            self.finish()
            return buffer.values[:rows].copy()
        return self._memory.read(buffer)[:rows]

    def norms_on_reading(self, tokens: int) -> bool:
        return tokens == 1 and Variant.SEPARATE_CAST not in self._variants

    def rotates_on_reading(self, tokens: int) -> bool:
        return tokens == 1 and Variant.COPY_PER_HEAD not in self._variants

    def embed(self, site: Site, tokens: int, ids: Any, table: Matrix, hidden: Any) -> None:
        launch = embed_launch(table.format, table.columns, tokens)
        scales = table.parts["scales"].data.ptr if "scales" in table.parts else 0
        values = table.parts["values"].data.ptr
        self._gpu.launch(launch, ids.data.ptr, values, scales, hidden.data.ptr, np.int32(table.rows))

    def norm(self, site: Site, tokens: int, normed: Normed, out: Input) -> None:
        with self._targets.writing(out, tokens) as target:
            launch = norm_launch(out.columns, target.form, tokens)
            hidden, weight, epsilon = normed.hidden.data.ptr, normed.weight.data.ptr, np.float32(normed.epsilon)
            self._gpu.launch(launch, hidden, weight, epsilon, target.values, target.scales)

    def project(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: Any) -> None:
        if tokens == 1:
            self._vectors.project(x, weight, out.data.ptr)
        else:
            self._rows.project(tokens, _ready(x), weight, out.data.ptr, accumulate=False)

    def project_add(self, site: Site, tokens: int, x: Input, weight: Matrix, hidden: Any) -> None:
        if tokens == 1:
            self._vectors.project_add(x, weight, hidden.data.ptr)
        else:
            self._rows.project(tokens, x, weight, hidden.data.ptr, accumulate=True)

    def gate_up(self, site: Site, tokens: int, x: Input | Normed, weight: Matrix, out: Input) -> None:
        if tokens == 1:
            self._vectors.gate_up(x, weight, out)
        else:
            self._rows.gate_up(tokens, _ready(x), weight, out)

    def rotate_and_store(
        self,
        site: Site,
        tokens: int,
        qkv: Any,
        shape: HeadShape,
        rotation: Rotation,
        position: Any,
        cache: LayerCache,
    ) -> None:
        if Variant.COPY_PER_HEAD in self._variants:
            self._copy_heads(tokens, qkv, shape)
        norms = rotation.norms
        cache_type = vector_form(cache.format).cuda_type
        self._gpu.launch(
            rope_launch(shape, cache_type, tokens, has_norm=norms is not None),
            self._heads_of(qkv),
            norms[0].data.ptr if norms else 0,
            norms[1].data.ptr if norms else 0,
            np.float32(rotation.epsilon),
            rotation.frequencies.data.ptr,
            position.data.ptr,
            cache.keys.data.ptr,
            cache.values.data.ptr,
            np.int32(cache.capacity),
            np.int32(tokens),
        )

    def attend(
        self,
        site: Site,
        tokens: int,
        qkv: Any,
        shape: HeadShape,
        rotation: Rotation | None,
        position: Any,
        cache: LayerCache,
        out: Input,
    ) -> None:
        heads = self._heads_of(qkv)
        if tokens == 1:
            self._vectors.attend(heads, shape, rotation, position.data.ptr, cache, out)
        else:
            self._rows.attend(tokens, heads, shape, position.data.ptr, cache, out)

    def last_row(self, site: Site, tokens: int, hidden: Any, out: Any) -> None:
        self._gpu.copy(out.data.ptr, hidden[tokens - 1].data.ptr, out.nbytes)

    def sample(self, site: Site, tokens: int, logits: Any, sampling: Sampling, state: DecodeState) -> None:
        size = np.int32(logits.size)
        results = (state.token.data.ptr, state.tokens.address, state.step.data.ptr, state.position.data.ptr)
        if sampling.temperature <= 0:
            best, arrived = self._best.data.ptr, self._arrived.data.ptr
            self._gpu.launch(argmax_launch(), logits.data.ptr, size, best, arrived, *results, np.int32(tokens))
            return
        self._gpu.launch(
            sample_launch(),
            logits.data.ptr,
            size,
            np.float32(sampling.temperature),
            np.int32(sampling.top_k),
            np.float32(sampling.top_p),
            np.uint64(sampling.seed & 0xFFFF_FFFF_FFFF_FFFF),
            *results,
            np.int32(tokens),
        )

    def outbox(self, name: str, capacity: int) -> HostIntegers:
        return self._memory.host_integers(capacity)

    def mark(self) -> Any:
        return self._gpu.mark()

    def peek(self, outbox: HostIntegers, index: int, mark: Any) -> int:
        self._gpu.reach(mark)
        return int(outbox.values[index])

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        return self._gpu.record(step)

    def step_workspace(self) -> AbstractContextManager[None]:
        return self._memory.lent(_STEP_WORKSPACE_BYTES if Variant.MALLOC_PER_STEP in self._variants else 0)

    def memory(self) -> MemoryUse:
        return self._memory.summary()

    def finish(self) -> None:
        self._gpu.finish()

    def _copy_heads(self, tokens: int, qkv: Any, shape: HeadShape) -> None:
        """Copies the heads of every row one by one, to where the heads of rows are read from."""
        head_bytes, row_bytes = shape.head_dim * 4, shape.width * 4
        source, target = qkv.data.ptr, self._heads.data.ptr
        for place in range(0, row_bytes, head_bytes):
            if tokens == 1:
                self._gpu.copy(target + place, source + place, head_bytes)
            else:
                self._gpu.copy_columns(target + place, source + place, row_bytes, head_bytes, tokens)

    def _heads_of(self, qkv: Any) -> int:
        address: int = (qkv if self._heads is None else self._heads).data.ptr
        return address


def _ready(x: Input | Normed) -> Input:
    """What products of many rows read, for which `norms_on_reading` says no."""
    if isinstance(x, Normed):
        raise TypeError("products of many rows read what a norm has written")
    return x
