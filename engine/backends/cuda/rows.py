"""Products and attention of many rows at a time: prefill."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.backends.cuda.forms import rows_form, vector_form
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.launches import dequantise_launch, swiglu_launch
from engine.backends.cuda.matmul import Products
from engine.backends.cuda.memory import DeviceMemory
from engine.backends.cuda.prefill_attention import prefill_attention_launch
from engine.backends.cuda.targets import Targets
from engine.formats import Q8_0
from engine.memory import Use
from engine.operations import HeadShape, Input, LayerCache, Matrix

_WORKSPACE_BYTES = 32 << 20


class Rows:
    """What the operations do for many rows, with products by cuBLASLt."""

    def __init__(self, gpu: Gpu, memory: DeviceMemory, targets: Targets) -> None:
        self._gpu = gpu
        self._memory = memory
        self._targets = targets
        self._workspace = memory.zeros(Use.WORKSPACES, (_WORKSPACE_BYTES,), np.uint8)
        self.products = Products(gpu.stream_handle, self._workspace.data.ptr, _WORKSPACE_BYTES)
        self._wide: Any = None
        self._gate_up: Any = None

    def reserve(self, matrices: Sequence[Matrix], tokens: int) -> None:
        """Makes room for gates beside their up projections, and for the largest matrix that is unpacked."""
        self._gate_up = self._memory.zeros(Use.WORKSPACES, (tokens, max(each.rows for each in matrices)), np.float32)
        largest = max((each.rows * each.columns for each in matrices if each.format is Q8_0), default=0)
        self._wide = self._memory.empty(Use.WORKSPACES, (largest,), np.uint16)

    def project(self, tokens: int, x: Input, weight: Matrix, out: int, *, accumulate: bool) -> None:
        """`out[t] = weight @ x[t]`, or added to what is there."""
        self.products.multiply(
            self._targets.place(x, tokens).values,
            self._unpacked(weight),
            out,
            tokens,
            weight.rows,
            weight.columns,
            rows_form(weight.format).cuda_type,
            accumulate=accumulate,
        )

    def gate_up(self, tokens: int, x: Input, weight: Matrix, out: Input) -> None:
        """`out[t] = silu(gate) * up`."""
        both = self._gate_up.data.ptr
        self.project(tokens, x, weight, both, accumulate=False)
        with self._targets.writing(out, tokens) as target:
            launch = swiglu_launch(weight.rows // 2, tokens, target.form)
            self._gpu.launch(launch, both, target.values, target.scales, np.int32(tokens))

    def attend(self, tokens: int, qkv: int, shape: HeadShape, position: int, cache: LayerCache, out: Input) -> None:
        """Attention over the cache."""
        with self._targets.writing(out, tokens) as target:
            launch = prefill_attention_launch(
                shape,
                vector_form(cache.format).cuda_type,
                target.form.cuda_type,
                tokens,
                self._gpu.arch,
                self._gpu.multiprocessors,
            )
            self._gpu.launch(
                launch,
                qkv,
                cache.keys.data.ptr,
                cache.values.data.ptr,
                position,
                target.values,
                np.int32(tokens),
                np.int32(shape.heads),
                np.int32(shape.kv_heads),
                np.int32(cache.capacity),
            )

    def _unpacked(self, weight: Matrix) -> int:
        """Where a matrix lies as tensor cores read it; what is packed is unpacked into scratch first."""
        values: int = weight.parts["values"].data.ptr
        if weight.format is not Q8_0:
            return values
        count = weight.rows * weight.columns
        blocks = count // Q8_0.block
        target: int = self._wide.data.ptr
        self._gpu.launch(dequantise_launch(blocks), values, weight.parts["scales"].data.ptr, target, np.int64(blocks))
        return target
