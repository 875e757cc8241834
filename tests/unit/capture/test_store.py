from pathlib import Path

import pytest

from tests.unit.test_manifest import a_manifest
from workbench.capture.store import checked_name, default_name, digest, new_folder
from workbench.errors import UserError
from workbench.manifest import read_manifest


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.sqlite"
    path.write_bytes(b"export" * 1000)
    return path


def test_a_folder_appears_when_it_is_finished(tmp_path: Path, export: Path) -> None:
    output = tmp_path / "profiles"
    with new_folder(output, "run") as folder:
        file = folder.add(export, 1)
        assert [path.name for path in output.iterdir() if not path.name.startswith(".")] == []
        final = folder.finish(a_manifest())
    assert final == output / "run"
    assert sorted(path.name for path in final.iterdir()) == ["capture-1.sqlite.zst", "manifest.json"]
    assert [path.name for path in output.iterdir()] == [final.name]
    assert file.name == "capture-1.sqlite.zst"
    assert read_manifest(final) == a_manifest()


def test_nothing_stays_of_a_folder_that_is_not_finished(tmp_path: Path, export: Path) -> None:
    output = tmp_path / "profiles"
    with new_folder(output, "run") as folder:
        folder.add(export, 1)
    assert list(output.iterdir()) == []


def test_no_folder_is_ever_replaced(tmp_path: Path, export: Path) -> None:
    names = []
    for _ in range(3):
        with new_folder(tmp_path, "run") as folder:
            folder.add(export, 1)
            names.append(folder.finish(a_manifest()).name)
    assert names == ["run", "run-2", "run-3"]


def test_a_name_that_something_else_has_is_not_taken(tmp_path: Path) -> None:
    with new_folder(tmp_path, "run", {"run", "run-2"}.__contains__) as folder:
        assert folder.name == "run-3"


def test_two_at_once_take_different_names(tmp_path: Path) -> None:
    with new_folder(tmp_path, "run") as one, new_folder(tmp_path, "run") as other:
        assert one.name != other.name


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), new_folder(tmp_path / "file", "run"):
        pass


def test_digest(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(tmp_path / "file") == (sha256, 3)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["./llama-bench", "-p", "64"], "llama-bench"),
        (["/usr/bin/python3.12", "-u", "/home/alice/train.py", "x.py"], "train"),
        (["python", "-m", "engine", "bench"], "engine"),
        (["python", "-c", "pass"], "python"),
        (["bash", "run.sh"], "bash"),
        (["/opt/a b/my tool!"], "my-tool"),
        (["/opt/..."], "program"),
    ],
)
def test_default_names(command: list[str], name: str) -> None:
    assert default_name(command) == name
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "", "a b", "a" * 101])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UserError, match="--name"):
        checked_name(name)
