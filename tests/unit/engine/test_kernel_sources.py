"""Every kernel compiles for every chip, with nothing kept in local memory."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.backends.cuda.catalogue import model_sources
from engine.backends.cuda.prefill_attention import prefill_attention_sources
from engine.formats import FORMATS
from engine.kernels.cache import CubinCache, compiled
from engine.kernels.source import FOLDER
from engine.registry import known_model

pytest.importorskip("cuda.core")

ARCHITECTURES = ("sm_80", "sm_89", "sm_90a", "sm_120a")
MULTIPROCESSORS = 132
# Heads of 32, 64 and 128 numbers, with and without their norms; the shortest rows and the longest.
MODELS = {
    "tiny-qwen3": tuple(FORMATS),
    "llama-3.2-1b": ("q8_0",),
    "llama-3.2-3b": ("q8_0",),
    "qwen3-8b": tuple(FORMATS),
}


def all_sources(arch):
    for name, formats in MODELS.items():
        for format_name in formats:
            yield from model_sources(known_model(name), FORMATS[format_name], arch, MULTIPROCESSORS, variants=True)
    yield from prefill_attention_sources(arch)


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


def test_no_source_is_left_out():
    compiled_files = {source.file for source in all_sources("sm_90a")}
    assert compiled_files == {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.cu")}


def test_every_kernel_waits_for_the_one_before_it():
    for path in FOLDER.rglob("*.cu"):
        text = path.read_text()
        headers = re.findall(r'#include "(.*)"', text)
        waits = [text, *((FOLDER / header).read_text() for header in headers if not header.startswith("common/"))]
        nested = [(FOLDER / inner).read_text() for each in waits for inner in re.findall(r'#include "(gemv/.*)"', each)]
        assert any("pdl_wait();" in each for each in [*waits, *nested]), path.name


def test_every_source_says_what_it_is():
    for path in FOLDER.rglob("*.cu*"):
        assert path.read_text().startswith("// "), path.name
