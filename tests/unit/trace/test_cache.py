import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CAPTURES, capture_path
from tests.exports import Export
from workbench.trace import open as open_module
from workbench.trace.cache import LAYOUT_VERSION, TraceCache
from workbench.trace.model import Trace
from workbench.trace.open import open_trace


def export(tmp_path: Path, name: str = "export.sqlite", kernels: int = 3) -> Path:
    built = Export()
    for number in range(kernels):
        built.launch("gemv", 100 * number, 100 * number + 50, 100 * number + 80)
    return built.write(tmp_path / name)


def same(one: Trace, other: Trace) -> bool:
    for field in dataclasses.fields(Trace):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(ours, np.ndarray):
            equal = np.array_equal(ours, theirs) and ours.dtype == theirs.dtype
        elif hasattr(ours, "names"):
            equal = all(np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in ours.names())
        else:
            equal = ours == theirs
        if not equal:
            return False
    return True


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes reading exports fail, so that a trace can only come from the cache."""

    def fail(*_: object) -> Trace:
        raise AssertionError("read the file again")

    return lambda: monkeypatch.setattr(open_module, "read_export", fail)


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_second_opening_gives_the_same_trace_from_the_cache(
    tmp_path: Path, unreadable: Callable[[], None], capture: str
) -> None:
    cache = TraceCache(tmp_path / "cache")
    first = open_trace(capture_path(capture), cache)
    unreadable()
    assert same(first, open_trace(capture_path(capture), cache))


def test_the_key_is_the_content(tmp_path: Path, unreadable: Callable[[], None]) -> None:
    cache = TraceCache(tmp_path / "cache")
    path = export(tmp_path)
    open_trace(path, cache)
    copy = tmp_path / "renamed.sqlite"
    copy.write_bytes(path.read_bytes())
    unreadable()
    assert open_trace(copy, cache).info.file_name == "renamed.sqlite"
    with pytest.raises(AssertionError, match="read the file again"):
        open_trace(export(tmp_path, "changed.sqlite", kernels=4), cache)


def test_strings_that_nothing_refers_to_are_not_kept(tmp_path: Path, unreadable: Callable[[], None]) -> None:
    """nsys keeps a program's whole environment as one of an export's strings."""
    unscrubbed = Export()
    unscrubbed.string("PATH=/somewhere\0API_TOKEN=a-secret-value")
    unscrubbed.range("model.layers.0.mlp", 0, 20)
    unscrubbed.launch("gemv", 1, 20, 30)
    cache = TraceCache(tmp_path / "cache")
    trace = open_trace(unscrubbed.write(tmp_path / "unscrubbed.sqlite"), cache)
    kept = b"".join(file.read_bytes() for file in cache.folder.rglob("*") if file.is_file())
    assert b"gemv" in kept
    assert b"a-secret-value" not in kept
    unreadable()
    assert same(open_trace(tmp_path / "unscrubbed.sqlite", cache), trace)


def test_what_must_be_exported_first_is_exported_once(tmp_path: Path, unreadable: Callable[[], None]) -> None:
    cache, report = TraceCache(tmp_path / "cache"), tmp_path / "theirs.nsys-rep"
    report.write_bytes(b"a report")
    exports: list[Path] = []

    @contextmanager
    def exported(path: Path) -> Iterator[Path]:
        exports.append(path)
        yield export(tmp_path)

    trace = open_trace(report, cache, exported)
    unreadable()
    assert same(open_trace(report, cache, exported), trace)
    assert exports == [report]
    assert trace.info.file_name == "theirs.nsys-rep"


def test_a_damaged_entry_is_read_anew_and_replaced(tmp_path: Path, unreadable: Callable[[], None]) -> None:
    cache = TraceCache(tmp_path / "cache")
    path = export(tmp_path)
    trace = open_trace(path, cache)
    entry = cache.folder / cache.key(path)
    for file in entry.iterdir():
        file.write_bytes(file.read_bytes()[:10])
        assert same(open_trace(path, cache), trace)
    unreadable()
    assert same(open_trace(path, cache), trace)


def test_the_cache_stays_within_its_bound(tmp_path: Path) -> None:
    paths = [export(tmp_path, f"{number}.sqlite", kernels=200 + number) for number in range(6)]
    one = TraceCache(tmp_path / "measure")
    open_trace(paths[0], one)
    entry_bytes = sum(file.stat().st_size for file in one.folder.rglob("*") if file.is_file())
    cache = TraceCache(tmp_path / "cache", limit_bytes=int(entry_bytes * 2.5))
    for path in paths:
        open_trace(path, cache)
        total = sum(file.stat().st_size for file in cache.folder.rglob("*") if file.is_file())
        assert total <= cache.limit_bytes
    assert (cache.folder / cache.key(paths[-1])).is_dir()
    assert not (cache.folder / cache.key(paths[0])).exists()


def test_a_trace_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    cache = TraceCache(tmp_path / "cache", limit_bytes=100)
    open_trace(export(tmp_path), cache)
    assert list(cache.folder.iterdir()) == []


def test_without_a_writable_folder_nothing_is_cached(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    assert len(open_trace(export(tmp_path), TraceCache(blocker / "cache")).kernels) == 3


def test_two_runs_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    path = export(tmp_path, kernels=500)
    script = (
        "import sys; from pathlib import Path; from workbench.trace.cache import TraceCache;"
        "from workbench.trace.open import open_trace;"
        "[len(open_trace(Path(sys.argv[1]), TraceCache(Path(sys.argv[2]))).kernels) for _ in range(20)]"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, str(path), str(tmp_path / "cache")]) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    (entry,) = (tmp_path / "cache").iterdir()
    assert entry.name.endswith(f"-{LAYOUT_VERSION}")


def test_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WB_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = TraceCache.of_user()
    assert cache is not None
    assert cache.folder == tmp_path / "wb" / "traces"
    monkeypatch.setenv("WB_CACHE_BYTES", "0")
    assert TraceCache.of_user() is None


def test_nothing_of_the_users_is_ever_removed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "a").write_bytes(bytes(100_000))
    open_trace(export(tmp_path), TraceCache(folder, limit_bytes=50_000))
    assert (folder / "photos" / "a").stat().st_size == 100_000


def test_a_folder_that_cannot_be_looked_into_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert TraceCache(tmp_path / "cache").load("0" * 32 + "-1", "name") is None
