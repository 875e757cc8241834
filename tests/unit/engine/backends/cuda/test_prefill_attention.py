import pytest

from engine.backends.cuda.prefill_attention import (
    HEAD_DIMS,
    choose_tile,
    narrow_tile,
    prefill_attention_launch,
    prefill_attention_sources,
    wide_tile,
)
from engine.operations import HeadShape

SHAPE = HeadShape(heads=32, kv_heads=8, head_dim=128)
# What a block may have at most, by the CUDA C++ Programming Guide's table of compute capabilities.
MOST_SHARED_BYTES = {"sm_80": 163 << 10, "sm_89": 99 << 10, "sm_90a": 227 << 10, "sm_120a": 99 << 10}


@pytest.mark.parametrize("arch", MOST_SHARED_BYTES)
@pytest.mark.parametrize("head_dim", HEAD_DIMS)
@pytest.mark.parametrize("tokens", [2, 100_000])
def test_every_tile_fits_into_every_chip(arch, head_dim, tokens):
    tile = choose_tile(HeadShape(32, 8, head_dim), tokens, arch, 132)
    assert tile.blocks_per_multiprocessor(arch) >= 1
    assert tile.shared_bytes <= MOST_SHARED_BYTES[arch]


@pytest.mark.parametrize("head_dim", HEAD_DIMS)
def test_results_do_not_depend_on_the_tile(head_dim):
    assert wide_tile(head_dim).keys == narrow_tile(head_dim).keys


def test_tiles_are_wide_where_there_is_work_for_all_of_the_chip():
    assert choose_tile(SHAPE, 512, "sm_90a", 132) == narrow_tile(128)
    assert choose_tile(SHAPE, 4096, "sm_90a", 132) == wide_tile(128)
    assert choose_tile(SHAPE, 4096, "sm_89", 132) == narrow_tile(128)


@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 4095, 4096])
def test_every_row_has_a_block(tokens):
    launch = prefill_attention_launch(SHAPE, "__half", "__half", tokens, "sm_90a", 132)
    rows = dict(launch.source.defines)["BLOCK_ROWS"]
    heads, blocks = launch.grid
    assert heads == SHAPE.heads
    assert (blocks - 1) * rows < tokens <= blocks * rows
    assert launch.threads == 128
    assert launch.kernel == "prefill_attention"


def test_shared_memory_holds_queries_and_two_stages_of_keys_and_values():
    tile = wide_tile(128)
    assert tile.shared_bytes == 128 * 128 * 2 + 2 * 2 * tile.keys * 128 * 2


def test_sources_differ():
    sources = list(prefill_attention_sources("sm_90a"))
    assert len(set(sources)) == len(sources) == 27
