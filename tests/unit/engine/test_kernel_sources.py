"""Every kernel compiles for every chip, with nothing kept in local memory."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.kernels.cache import CubinCache, compiled
from engine.kernels.catalogue import ARCHITECTURES, all_sources

pytest.importorskip("cuda.core")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_source_compiles_without_spills(arch):
    sources = list(dict.fromkeys(all_sources(arch)))
    cache = CubinCache.of_user()
    with ThreadPoolExecutor(2) as pool:
        cubins = list(pool.map(lambda source: compiled(source, arch, cache), sources))
    kernels = [(source, each) for source, cubin in zip(sources, cubins, strict=True) for each in cubin.resources]
    spilled = [f"{source} {each}" for source, each in kernels if each.spill_bytes or each.stack_bytes]
    assert not spilled, "\n".join(spilled)
    assert all(each.registers for _, each in kernels)
