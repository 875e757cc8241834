import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from tests.exports import Export
from workbench.errors import UserError
from workbench.trace.open import open_trace


@pytest.fixture
def export(tmp_path: Path) -> Path:
    built = Export()
    built.launch("gemv", 10, 20, 30)
    return built.write(tmp_path / "capture.sqlite")


def test_compressed_captures(export: Path, tmp_path: Path) -> None:
    content = export.read_bytes()
    with lzma.open(tmp_path / "capture.sqlite.xz", "wb") as file:
        file.write(content)
    with pa.CompressedOutputStream(str(tmp_path / "capture.sqlite.zst"), "zstd") as file:
        file.write(content)
    for suffix in ("", ".xz", ".zst"):
        trace = open_trace(tmp_path / f"capture.sqlite{suffix}")
        assert len(trace.kernels) == 1
        assert trace.info.file_name == f"capture.sqlite{suffix}"


@pytest.mark.parametrize("suffix", [".xz", ".zst"])
def test_damaged_compression_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"capture.sqlite{suffix}"
    path.write_bytes(b"neither of them")
    with pytest.raises(UserError, match=r"capture\.sqlite"):
        open_trace(path)


@pytest.mark.parametrize("suffix", [".xz", ".zst"])
def test_compression_cut_off_is_an_error(export: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"capture.sqlite{suffix}"
    if suffix == ".xz":
        path.write_bytes(lzma.compress(export.read_bytes()))
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(export.read_bytes())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"capture\.sqlite"):
        open_trace(path)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        open_trace(tmp_path / "nowhere.sqlite")
    with pytest.raises(UserError, match="a folder"):
        open_trace(tmp_path)
