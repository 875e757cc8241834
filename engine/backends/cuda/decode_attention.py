"""How attention of one row is launched: kernels_cu/attention/decode_attention.cu."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.backends.cuda.forms import Form
from engine.backends.cuda.gpu import Launch
from engine.errors import EngineError
from engine.kernels.source import KernelSource
from engine.operations import HeadShape, Matrix

_THREADS = 256
_HEADS_IN_BLOCK = (4, 3, 2, 1)
_HEAD_DIMS = (16, 32, 64, 128, 256)
_UNROLL = 2
# Blocks for each multiprocessor that there should be about.
_BLOCKS = 1
# Attention leaves the memory idle for some five microseconds, in which that of an H200 could deliver so much.
_AHEAD_BYTES = 24 << 20
_AHEAD_REGIONS = 3
# Blocks that fetch ahead, for each that attends.
_AHEAD_BLOCKS = 8


def check_shape(shape: HeadShape) -> None:
    """Refuses heads that the kernels are not made for.

    Raises:
        EngineError: the width of a head is none of theirs.
    """
    if shape.head_dim not in _HEAD_DIMS:
        widths = ", ".join(map(str, _HEAD_DIMS))
        raise EngineError(
            f"heads of {shape.head_dim} numbers are not supported on the GPU, only {widths}; choose --backend numpy"
        )


def heads_in_block(shape: HeadShape) -> int:
    """How many of the query heads that share a key head one block takes."""
    return next(count for count in _HEADS_IN_BLOCK if shape.heads // shape.kv_heads % count == 0)


def splits(shape: HeadShape, multiprocessors: int) -> int:
    """Into how many slices the positions are divided: so many that the blocks fill the chip."""
    return max(1, _BLOCKS * multiprocessors // (shape.heads // heads_in_block(shape)))


def decode_attention_launch(
    shape: HeadShape, cache_type: str, out: Form, *, rotates: bool, has_norm: bool, multiprocessors: int
) -> Launch:
    """How attention of one row is launched."""
    slices = splits(shape, multiprocessors)
    source = KernelSource(
        "attention/decode_attention.cu",
        (
            ("HEAD_DIM", shape.head_dim),
            ("HEADS", shape.heads),
            ("KV_HEADS", shape.kv_heads),
            ("HEADS_IN_BLOCK", heads_in_block(shape)),
            ("SPLITS", slices),
            ("UNROLL", _UNROLL),
            ("ROTATES", int(rotates)),
            ("HAS_NORM", int(has_norm)),
            ("CACHE_TYPE", cache_type),
            ("OUT_FORM", out.macro),
        ),
    )
    return Launch(source, (slices + _AHEAD_BLOCKS, shape.heads // heads_in_block(shape)), _THREADS)


def fetched_ahead(soon: Sequence[Matrix]) -> tuple[Any, ...]:
    """Where the weights of the next products begin, and how much of each attention fetches while it waits.

    Of matrices that were made of several, a product reads the first rows of each at first.

    Returns:
        An address and a number of bytes for each of the kernel's regions.
    """
    left_bytes = _AHEAD_BYTES
    regions: list[Any] = []
    for matrix in soon:
        values = matrix.parts["values"]
        row_bytes = values.strides[0]
        share_bytes = min(left_bytes, values.nbytes) // len(matrix.sections)
        first = 0
        for rows in matrix.sections:
            if len(regions) < 2 * _AHEAD_REGIONS:
                size_bytes = min(share_bytes, rows * row_bytes) // 16 * 16
                regions += [values.data.ptr + first * row_bytes, np.int32(size_bytes)]
                left_bytes -= size_bytes
            first += rows
    return (*regions, *(0, np.int32(0)) * (_AHEAD_REGIONS - len(regions) // 2))
