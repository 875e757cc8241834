"""How the small kernels are launched: each of them one pass over its rows."""

from functools import cache

from engine.backends.cuda.forms import Form, vector_form
from engine.backends.cuda.gpu import Launch
from engine.formats import WeightFormat
from engine.kernels.source import KernelSource
from engine.operations import HeadShape

# Neighbours that a thread of these kernels does.
GROUP = 16
ARGMAX_BLOCKS = 128
_THREADS = 256
_WARPS = _THREADS // 32
_SAMPLE_THREADS = 512
_BLOCKS_PER_DEQUANTISE_BLOCK = 512


@cache
def embed_launch(format_: WeightFormat, columns: int, tokens: int) -> Launch:
    """Rows of the embedding."""
    defines = (("FORMAT", vector_form(format_).macro), ("COLUMNS", columns))
    return Launch(KernelSource("embedding/embed.cu", defines), (tokens,), _THREADS)


@cache
def norm_launch(columns: int, out: Form, tokens: int) -> Launch:
    """The norm of rows."""
    defines = (("COLUMNS", columns), ("OUT_FORM", out.macro))
    return Launch(KernelSource("norm/rms_norm.cu", defines), (tokens,), _THREADS)


@cache
def rope_launch(shape: HeadShape, cache_type: str, tokens: int, *, has_norm: bool) -> Launch:
    """Norm and rotation of queries and keys, and what the cache keeps."""
    defines = (
        ("HEAD_DIM", shape.head_dim),
        ("HEADS", shape.heads),
        ("KV_HEADS", shape.kv_heads),
        ("HAS_NORM", int(has_norm)),
        ("CACHE_TYPE", cache_type),
    )
    blocks = -(-tokens * (shape.heads + 2 * shape.kv_heads) // _WARPS)
    return Launch(KernelSource("attention/rope.cu", defines), (blocks,), _THREADS)


@cache
def round_launch(count: int, out: Form) -> Launch:
    """A cast of so many numbers."""
    source = KernelSource("cast/round_groups.cu", (("OUT_FORM", out.macro),))
    return Launch(source, (-(-count // (_THREADS * GROUP)),), _THREADS)


@cache
def swiglu_launch(width: int, rows: int, out: Form) -> Launch:
    """The gated activation of rows."""
    source = KernelSource("mlp/swiglu.cu", (("WIDTH", width), ("OUT_FORM", out.macro)))
    return Launch(source, (-(-rows * (width // GROUP) // _THREADS),), _THREADS)


@cache
def dequantise_launch(blocks: int) -> Launch:
    """Q8_0 weights, so many blocks of them, to 16 bits."""
    return Launch(KernelSource("cast/dequantise_q8_0.cu"), (-(-blocks // _BLOCKS_PER_DEQUANTISE_BLOCK),), _THREADS)


@cache
def argmax_launch() -> Launch:
    """The likeliest token."""
    return Launch(KernelSource("sampling/argmax.cu"), (ARGMAX_BLOCKS,), _THREADS)


@cache
def sample_launch() -> Launch:
    """A drawn token."""
    return Launch(KernelSource("sampling/sample.cu"), (1,), _SAMPLE_THREADS)


@cache
def fill_launch(format_: WeightFormat, blocks: int) -> Launch:
    """Random weights."""
    return Launch(KernelSource("synthetic/fill.cu", (("FORMAT", vector_form(format_).macro),)), (blocks,), _THREADS)
