"""How attention of one row is launched: kernels_cu/attention/decode_attention.cu."""

from functools import cache

from engine.backends.cuda.forms import Form
from engine.backends.cuda.gpu import Launch
from engine.kernels.source import KernelSource
from engine.operations import HeadShape

_THREADS = 512
# Fewer positions are not divided among blocks, for what these find must meet in memory.
_LEAST_POSITIONS = 64
# Of the query heads that share a key head, so many a block: more read keys and values less often, fewer start sooner.
_HEADS_IN_BLOCK = (2, 3, 1)
_MOST_NUMBERS_IN_BLOCK = 512
_UNROLL = 2
# Blocks for each multiprocessor that there should be about.
_BLOCKS = 1


def heads_in_block(shape: HeadShape) -> int:
    """How many of the query heads that share a key head one block takes."""
    return next(
        count
        for count in _HEADS_IN_BLOCK
        if shape.heads // shape.kv_heads % count == 0 and count * shape.head_dim <= _MOST_NUMBERS_IN_BLOCK
    )


def splits(shape: HeadShape, multiprocessors: int) -> int:
    """Into how many slices the positions are divided: so many that the blocks fill the chip."""
    return max(1, _BLOCKS * multiprocessors // (shape.heads // heads_in_block(shape)))


@cache
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
            ("THREADS", _THREADS),
            ("LEAST", _LEAST_POSITIONS),
            ("ROTATES", int(rotates)),
            ("HAS_NORM", int(has_norm)),
            ("CACHE_TYPE", cache_type),
            ("OUT_FORM", out.macro),
        ),
    )
    return Launch(source, (slices, shape.heads // heads_in_block(shape)), _THREADS)
