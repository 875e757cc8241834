import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.compression import compress, decompress
from workbench.errors import UserError

CONTENT = b"a capture " * 1000


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_there_and_back(tmp_path: Path, suffix: str) -> None:
    plain, packed, again = tmp_path / "plain", tmp_path / f"packed{suffix}", tmp_path / "again"
    plain.write_bytes(CONTENT)
    compress(plain, packed, suffix)
    decompress(packed, again)
    assert again.read_bytes() == CONTENT
    assert (packed.stat().st_size < len(CONTENT)) == bool(suffix)


def test_others_read_what_is_written(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(CONTENT)
    compress(plain, tmp_path / "packed.xz", ".xz")
    assert lzma.decompress((tmp_path / "packed.xz").read_bytes()) == CONTENT
    compress(plain, tmp_path / "packed.zst", ".zst")
    assert pa.input_stream(str(tmp_path / "packed.zst"), compression="zstd").read() == CONTENT


@pytest.mark.parametrize("suffix", [".xz", ".zst"])
def test_what_is_damaged(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"bad{suffix}"
    source.write_bytes(b"garbage")
    with pytest.raises(UserError, match=rf"bad\{suffix} is damaged or cut off"):
        decompress(source, tmp_path / "target")


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_what_is_not_there(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UserError, match=rf"nothing{suffix} cannot be read: .*[Nn]o such file"):
        decompress(tmp_path / f"nothing{suffix}", tmp_path / "target")


def test_a_target_that_cannot_be_written_is_not_the_sources_fault(tmp_path: Path) -> None:
    source = tmp_path / "plain"
    source.write_bytes(CONTENT)
    with pytest.raises(IsADirectoryError):
        decompress(source, tmp_path)
