import os

import pytest

from engine.kernels import cache as caching
from engine.kernels import source as sources
from engine.kernels.cache import CubinCache, cache_folder, compiled, evict, key, write_whole
from engine.kernels.compile import Compiler, Cubin
from engine.kernels.log import Resources
from engine.kernels.source import KernelSource

CUBIN = Cubin(b"\x7fELF\n\x00machine code\n", (Resources("scale", 32, 0, 0, 128),))
COMPILER = Compiler("13.0", "1.2.0", "13000")
SOURCE = KernelSource("scale.cu", (("FACTOR", 3),))
NAME = "ab" * 32


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "FOLDER", tmp_path / "kernels_cu")
    (tmp_path / "kernels_cu").mkdir()
    (tmp_path / "kernels_cu/scale.cu").write_text("// scales\n")
    (tmp_path / "kernels_cu/twice.cuh").write_text("// twice\n")
    return tmp_path


@pytest.fixture
def cache(tmp_path):
    return CubinCache(tmp_path / "cache")


def test_an_entry_comes_back_as_it_was(cache):
    assert cache.load(NAME) is None
    cache.store(NAME, CUBIN)
    assert cache.load(NAME) == CUBIN
    assert [entry.name for entry in cache.folder.iterdir()] == [f"{NAME}.cubin"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{}\n", b"not json", b"[]\ncode", b'{"sha256": "0", "resources": []}\ncode', b"\xff\xfe\n", b"[" * 100_000],
)
def test_a_damaged_entry_is_no_entry_and_goes(cache, damage):
    cache.store(NAME, CUBIN)
    path = cache.folder / f"{NAME}.cubin"
    path.write_bytes(damage)
    assert cache.load(NAME) is None
    assert not path.exists()


def test_what_is_no_file_is_no_entry_and_goes(cache):
    cache.folder.mkdir()
    path = cache.folder / f"{NAME}.cubin"
    os.mkfifo(path)
    assert cache.load(NAME) is None
    assert not path.exists()


def test_a_flipped_bit_is_noticed(cache):
    cache.store(NAME, CUBIN)
    path = cache.folder / f"{NAME}.cubin"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert cache.load(NAME) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = CubinCache(tmp_path / "file" / "kernels")
    cache.store(NAME, CUBIN)
    assert cache.load(NAME) is None


def test_the_longest_unused_go_first(tmp_path):
    entries = [tmp_path / name for name in "abc"]
    for age, entry in enumerate(entries):
        entry.write_bytes(b"0" * 100)
        os.utime(entry, (1000 - age, 1000 - age))
    evict(entries, limit_bytes=250)
    assert [entry.exists() for entry in entries] == [True, True, False]


def test_a_full_folder_loses_only_our_own(cache):
    cache.store("a" * 64, CUBIN)
    (cache.folder / "notes.txt").write_bytes(b"0" * 10_000)
    os.utime(cache.folder / f"{'a' * 64}.cubin", (1000, 1000))
    size_bytes = (cache.folder / f"{'a' * 64}.cubin").stat().st_size
    CubinCache(cache.folder, limit_bytes=size_bytes).store("b" * 64, CUBIN)
    assert {entry.name for entry in cache.folder.iterdir()} == {f"{'b' * 64}.cubin", "notes.txt"}


def test_a_compilation_happens_once(folder, cache, monkeypatch):
    monkeypatch.setattr(caching, "compiler", lambda: COMPILER)
    calls = []
    monkeypatch.setattr(caching, "compile_source", lambda source, arch: calls.append(arch) or CUBIN)
    assert compiled(SOURCE, "sm_90a", cache) == CUBIN
    assert compiled(SOURCE, "sm_90a", cache) == CUBIN
    assert compiled(SOURCE, "sm_80", cache) == CUBIN
    assert compiled(SOURCE, "sm_80", None) == CUBIN
    assert calls == ["sm_90a", "sm_80", "sm_80"]


def test_the_key_follows_from_all_that_the_code_follows_from(folder):
    def of(source=SOURCE, arch="sm_90a", by=COMPILER):
        return key(source, arch, by)

    keys = [
        of(),
        of(arch="sm_80"),
        of(KernelSource("scale.cu")),
        of(KernelSource("scale.cu", (("FACTOR", 4),))),
        of(by=Compiler("13.1", "1.2.0", "13000")),
        of(by=Compiler("13.0", "1.2.2", "13000")),
        of(by=Compiler("13.0", "1.2.0", "13010")),
    ]
    (folder / "kernels_cu/twice.cuh").write_text("// thrice\n")
    keys.append(of())
    (folder / "kernels_cu/scale.cu").write_text("// scales more\n")
    keys.append(of())
    assert len(set(keys)) == len(keys)
    assert of() == keys[-1]


def test_the_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("ENGINE_CACHE_DIR", raising=False)
    assert cache_folder() == tmp_path / "inference-engine"
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_what_is_written_is_whole(tmp_path):
    write_whole(tmp_path / "new/file", b"content")
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["file"]
    assert (tmp_path / "new/file").read_bytes() == b"content"
