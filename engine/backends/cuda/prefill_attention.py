"""How attention of many rows is launched: kernels_cu/attention/prefill_attention.cu."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from engine.backends.cuda.gpu import Launch
from engine.backends.cuda.model_limits import HEAD_DIMS
from engine.kernels.source import KernelSource
from engine.operations import HeadShape

_WARPS = 4
_NUMBER_BYTES = 2
# Of a multiprocessor; chips made for games have less of it than those made for data centres.
_SHARED_BYTES = {"sm_80": 164 << 10, "sm_90a": 228 << 10, "sm_100a": 228 << 10, "sm_103a": 228 << 10}
_LEAST_SHARED_BYTES = 100 << 10
# Of each block, the driver takes so much for itself.
_RESERVED_BYTES = 1 << 10


@dataclass(frozen=True)
class Tile:
    """What a block does at a time.

    Attributes:
        head_dim: width of a head.
        rows: of queries, one row of blocks.
        keys: that are in shared memory at once, twice over.
        most_blocks: on a multiprocessor, as registers allow.
    """

    head_dim: int
    rows: int
    keys: int
    most_blocks: int

    @property
    def shared_bytes(self) -> int:
        """The queries, and two stages of keys and values."""
        return (self.rows + 4 * self.keys) * self.head_dim * _NUMBER_BYTES

    def blocks_per_multiprocessor(self, arch: str) -> int:
        """How many blocks fit at once."""
        available = _SHARED_BYTES.get(arch, _LEAST_SHARED_BYTES)
        return min(self.most_blocks, available // (self.shared_bytes + _RESERVED_BYTES))


def wide_tile(head_dim: int) -> Tile:
    """32 rows a warp: what is read from shared memory is used twice. More keys or rows would not fit into registers."""
    if head_dim > 128:
        return Tile(head_dim, 64, 32, most_blocks=2)
    return Tile(head_dim, 128, 32 if head_dim == 128 else 64, most_blocks=2)


def narrow_tile(head_dim: int) -> Tile:
    """16 rows a warp: more blocks, each done sooner. As many keys as in a wide tile, so that results are the same."""
    return Tile(head_dim, 64, wide_tile(head_dim).keys, most_blocks=2 if head_dim > 128 else 3)


def choose_tile(shape: HeadShape, tokens: int, arch: str, multiprocessors: int) -> Tile:
    """The wide tile where there is enough work for all of the chip, and room for two blocks side by side."""
    wide = wide_tile(shape.head_dim)
    blocks = shape.heads * -(-tokens // wide.rows)
    if wide.blocks_per_multiprocessor(arch) < 2 or blocks < 2 * multiprocessors:
        return narrow_tile(shape.head_dim)
    return wide


def prefill_attention_source(tile: Tile, cache_type: str, out_type: str, arch: str) -> KernelSource:
    """The kernel.

    Args:
        tile: what a block does at a time.
        cache_type: CUDA's type of the numbers in the cache, of 16 bits.
        out_type: CUDA's type of the rows that come out.
        arch: what it is compiled for.
    """
    return KernelSource(
        "attention/prefill_attention.cu",
        (
            ("HEAD_DIM", tile.head_dim),
            ("BLOCK_ROWS", tile.rows),
            ("BLOCK_KEYS", tile.keys),
            ("WARPS", _WARPS),
            ("BLOCKS_PER_SM", tile.blocks_per_multiprocessor(arch)),
            ("CACHE_TYPE", cache_type),
            ("OUT_TYPE", out_type),
        ),
    )


@cache
def prefill_attention_launch(
    shape: HeadShape, cache_type: str, out_type: str, tokens: int, arch: str, multiprocessors: int
) -> Launch:
    """How attention of so many rows is launched."""
    tile = choose_tile(shape, tokens, arch, multiprocessors)
    return Launch(
        prefill_attention_source(tile, cache_type, out_type, arch),
        (shape.heads, -(-tokens // tile.rows)),
        32 * _WARPS,
        tile.shared_bytes,
    )


def prefill_attention_sources(arch: str) -> Iterator[KernelSource]:
    """Every tile for heads of every width, with the types that models have, and with one that variants have."""
    for head_dim in HEAD_DIMS:
        for tile in dict.fromkeys((wide_tile(head_dim), narrow_tile(head_dim))):
            for cache_type, out_type in (
                ("__half", "__nv_bfloat16"),
                ("__nv_bfloat16", "__nv_bfloat16"),
                ("__half", "float"),
            ):
                yield prefill_attention_source(tile, cache_type, out_type, arch)
