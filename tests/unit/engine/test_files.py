from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.files import whole_file, write_text


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.json"
    write_text(target, "ä")
    assert target.read_text(encoding="utf-8") == "ä"
    assert list(target.parent.iterdir()) == [target]


def test_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("before")

    def fail() -> None:
        with whole_file(target) as work:
            work.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"file/a cannot be written \(.+\); name another file"):
        write_text(tmp_path / "file" / "a", "")
    with pytest.raises(EngineError, match="cannot be written"):
        write_text(tmp_path, "")
