"""Products and attention of a single row: decode."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.backends.cuda.decode_attention import decode_attention_launch, splits
from engine.backends.cuda.forms import SINGLE, vector_form
from engine.backends.cuda.gemv import gemv_launch
from engine.backends.cuda.gemv_tunings import Epilogue, Product
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.launches import swiglu_launch
from engine.backends.cuda.memory import DeviceMemory
from engine.backends.cuda.targets import Target, Targets
from engine.memory import Use
from engine.operations import HeadShape, Input, LayerCache, Matrix, Normed, Rotation
from engine.variants import Variant


class Vectors:
    """What the operations do for one row, on kernels that read every weight once."""

    def __init__(self, gpu: Gpu, memory: DeviceMemory, targets: Targets, variants: frozenset[Variant]) -> None:
        self._gpu = gpu
        self._memory = memory
        self._targets = targets
        self._variants = variants
        self._gate_up: Any = None
        self._slices: dict[HeadShape, tuple[Any, Any, Any]] = {}

    def reserve(self, matrices: Sequence[Matrix]) -> None:
        """Makes room for a gate beside its up projection, by a variant."""
        if Variant.UNFUSED_GATE_UP in self._variants:
            self._gate_up = self._memory.zeros(Use.WORKSPACES, (1, max(each.rows for each in matrices)), np.float32)

    def project(self, x: Input | Normed, weight: Matrix, out: int) -> None:
        """`out = weight @ x`."""
        if Variant.UNFUSED_QKV not in self._variants:
            self._multiply(x, weight, 0, weight.rows, Epilogue.STORE, Target(SINGLE, out, 0))
            return
        first = 0
        for rows in weight.sections:
            target = Target(SINGLE, out + first * SINGLE.number_bytes, 0)
            self._multiply(x, weight, first, rows, Epilogue.STORE, target)
            first += rows

    def project_add(self, x: Input, weight: Matrix, hidden: int) -> None:
        """`hidden += weight @ x`."""
        self._multiply(x, weight, 0, weight.rows, Epilogue.ADD, Target(SINGLE, hidden, 0))

    def gate_up(self, x: Input | Normed, weight: Matrix, out: Input) -> None:
        """`out = silu(gate) * up`."""
        with self._targets.writing(out, 1) as target:
            if Variant.UNFUSED_GATE_UP not in self._variants:
                self._multiply(x, weight, 0, weight.rows, Epilogue.SWIGLU, target)
                return
            self._unfused_gate_up(x, weight, target)

    def attend(
        self,
        qkv: int,
        shape: HeadShape,
        rotation: Rotation | None,
        position: int,
        cache: LayerCache,
        out: Input,
    ) -> None:
        """Attention over the cache, after the rotation if there is one."""
        sums, peaks, arrived = self.slices(shape)
        norms = rotation.norms if rotation else None
        with self._targets.writing(out, 1) as target:
            launch = decode_attention_launch(
                shape,
                vector_form(cache.format).cuda_type,
                target.form,
                rotates=rotation is not None,
                has_norm=norms is not None,
                multiprocessors=self._gpu.multiprocessors,
            )
            self._gpu.launch(
                launch,
                qkv,
                norms[0].data.ptr if norms else 0,
                norms[1].data.ptr if norms else 0,
                np.float32(rotation.epsilon if rotation else 0),
                rotation.frequencies.data.ptr if rotation else 0,
                position,
                cache.keys.data.ptr,
                cache.values.data.ptr,
                np.int32(cache.capacity),
                sums.data.ptr,
                peaks.data.ptr,
                arrived.data.ptr,
                target.values,
                target.scales,
            )

    def slices(self, shape: HeadShape) -> tuple[Any, Any, Any]:
        """Where the slices of attention meet; made when first asked for."""
        if shape not in self._slices:
            count = shape.heads * splits(shape, self._gpu.multiprocessors)
            self._slices[shape] = (
                self._memory.zeros(Use.WORKSPACES, (count, shape.head_dim), np.float32),
                self._memory.zeros(Use.WORKSPACES, (count, 2), np.float32),
                self._memory.zeros(Use.WORKSPACES, (shape.heads,), np.int32),
            )
        return self._slices[shape]

    def _multiply(
        self, x: Input | Normed, weight: Matrix, first: int, rows: int, epilogue: Epilogue, target: Target
    ) -> None:
        """A product with so many rows of a matrix, from the first on."""
        normed = isinstance(x, Normed)
        product = Product(weight.format, rows, weight.columns, normed, epilogue, target.form)
        source = Target(SINGLE, x.hidden.data.ptr, 0) if isinstance(x, Normed) else self._targets.place(x, 1)
        values, scales = weight.parts["values"], weight.parts.get("scales")
        self._gpu.launch(
            gemv_launch(product, self._gpu.multiprocessors),
            values.data.ptr + first * values.strides[0],
            0 if scales is None else scales.data.ptr + first * scales.strides[0],
            source.values,
            source.scales,
            x.weight.data.ptr if isinstance(x, Normed) else 0,
            np.float32(x.epsilon if isinstance(x, Normed) else 0),
            target.values,
            target.scales,
            np.int32(rows),
        )

    def _unfused_gate_up(self, x: Input | Normed, weight: Matrix, target: Target) -> None:
        out, first = self._gate_up.data.ptr, 0
        for rows in weight.sections:
            half = Target(SINGLE, out + first * SINGLE.number_bytes, 0)
            self._multiply(x, weight, first, rows, Epilogue.STORE, half)
            first += rows
        launch = swiglu_launch(weight.rows // 2, 1, target.form)
        self._gpu.launch(launch, out, target.values, target.scales, np.int32(1))
