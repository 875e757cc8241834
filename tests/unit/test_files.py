import os
from pathlib import Path

import pytest

from workbench.errors import UserError
from workbench.files import (
    refuse_to_replace,
    refuse_unwritable_folder,
    remove_ours,
    whole_file,
    write_text,
    write_texts,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(target: Path) -> None:
    with whole_file(target) as work:
        work.write_text("half")
        raise ZeroDivisionError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with whole_file(target) as work:
        work.write_text("half")
        assert not target.exists()
        work.write_text("whole")
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["out.txt"]


def test_after_a_failure_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "out.txt")
    assert names(tmp_path) == []


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(target)
    assert target.read_text() == "old"


def test_a_new_file_may_be_read_by_whom_the_user_lets_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "out.txt", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == 0o640


def test_text_is_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "out.txt", "µs…")
    assert (tmp_path / "out.txt").read_bytes() == "µs…".encode()


def test_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "out.txt", "text")
    assert (tmp_path / "a" / "b" / "out.txt").read_text() == "text"


def test_of_files_that_belong_together_all_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("a file")
    with pytest.raises(UserError, match=r"no folder/two\.txt cannot be written"):
        write_texts({tmp_path / "one.txt": "1", tmp_path / "no folder" / "two.txt": "2"})
    assert names(tmp_path) == ["no folder"]
    write_texts({tmp_path / "one.txt": "1", tmp_path / "two.txt": "2"})
    assert names(tmp_path) == ["no folder", "one.txt", "two.txt"]


@pytest.mark.parametrize("links", [True, False], ids=["where files can be linked", "where they cannot"])
def test_where_the_last_of_them_cannot_be_put_in_place_the_others_are_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _refused)
    old, new, last = (tmp_path / name for name in ("old.txt", "new.txt", "last.txt"))
    old.write_text("old")
    old.chmod(0o640)
    last.mkdir()
    with pytest.raises(UserError, match=r"last\.txt cannot be written"):
        write_texts({old: "1", new: "2", last: "3"})
    assert names(tmp_path) == ["last.txt", "old.txt"]
    assert (old.read_text(), old.stat().st_mode & 0o777) == ("old", 0o640)
    last.rmdir()
    write_texts({old: "1", new: "2", last: "3"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "old.txt": "1",
        "new.txt": "2",
        "last.txt": "3",
    }


def _refused(*_: Path) -> None:
    raise PermissionError


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, force: bool) -> None:
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        refuse_to_replace(tmp_path, force=force)


def test_what_is_not_there_may_be_written(tmp_path: Path) -> None:
    refuse_to_replace(tmp_path / "out.txt", force=False)


def test_what_is_not_ours_is_replaced_on_demand_only(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.txt"
    theirs.write_bytes(b"\xff not even text")
    with pytest.raises(UserError, match="was not written by this command; give another name, or --force"):
        refuse_to_replace(theirs, force=False, ours="our mark")
    refuse_to_replace(theirs, force=True, ours="our mark")


def test_what_is_ours_may_be_written_again(tmp_path: Path) -> None:
    ours = tmp_path / "ours.txt"
    ours.write_text("text\n<!-- our mark -->\n")
    refuse_to_replace(ours, force=False, ours="our mark")
    with pytest.raises(UserError):
        refuse_to_replace(ours, force=False)


def test_only_what_is_ours_is_removed(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.txt", tmp_path / "theirs.txt"
    ours.write_text("-- our mark")
    theirs.write_text("theirs")
    assert [remove_ours(path, "our mark") for path in (ours, theirs, tmp_path / "missing", tmp_path)] == [
        True,
        False,
        False,
        False,
    ]
    assert names(tmp_path) == ["theirs.txt"]


def test_what_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tmp_path / "ours.txt"
    ours.write_text("-- our mark")
    monkeypatch.setattr(Path, "unlink", _refused)
    with pytest.raises(UserError, match=r"ours\.txt is of an earlier report and cannot be removed"):
        remove_ours(ours, "our mark")


def test_what_is_no_ordinary_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is no ordinary file"):
        refuse_to_replace(tmp_path / "pipe", force=True)


def test_words_like_our_mark_in_the_users_text_are_not_our_mark(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("the report bears our mark, my comments follow\n")
    with pytest.raises(UserError, match="was not written by this command"):
        refuse_to_replace(notes, force=False, ours="our mark")


@pytest.mark.parametrize("line", ["<!-- our mark -->", "-- our mark", " our mark,"])
def test_our_mark_is_known_in_any_kind_of_comment(tmp_path: Path, line: str) -> None:
    ours = tmp_path / "ours"
    ours.write_text(f"first\n{line}\nthird\n")
    refuse_to_replace(ours, force=False, ours="our mark")


def test_a_file_in_a_folder_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(UserError, match="cannot be written"):
        refuse_to_replace(tmp_path / "file" / "below", force=False)


def test_characters_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "out.txt", "a\udcffb")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "a?b"


def test_a_folder_that_may_be_written_need_not_exist(tmp_path: Path) -> None:
    refuse_unwritable_folder(tmp_path, "-o")
    refuse_unwritable_folder(tmp_path / "a" / "b", "-o")
    refuse_unwritable_folder(Path("profiles"), "-o")


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/folder", "dangling"):
        with pytest.raises(UserError, match="is no folder; name another one with -o"):
            refuse_unwritable_folder(tmp_path / name, "-o")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match="you may not write to"):
        refuse_unwritable_folder(tmp_path / "new", "--reports")
