import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_nsys
from tests.unit.capture.test_profile import _NSYS
from tests.unit.findings.programs import Program
from tests.unit.test_manifest import a_manifest
from workbench.cli.capture_sets import Member, find_captures, open_members
from workbench.errors import UserError
from workbench.manifest import CaptureFile, Manifest

NO_CAPTURE = "holds no capture that can be compared; give captures, a folder"


def write_export(path: Path, first_ns: int = 1_000) -> Path:
    """An export of two kernels; two of a different first duration are different recordings."""
    program = Program()
    with program.step():
        program.kernel("gemv", first_ns)
        program.kernel("gemv", 2_000)
    path.parent.mkdir(parents=True, exist_ok=True)
    return program.export.write(path)


def write_profile(folder: Path, entries: list[CaptureFile], first_ns: int = 1_000) -> Manifest:
    """A folder as `wb profile` writes it, each of its captures another recording."""
    for number, entry in enumerate(entries):
        write_export(folder / entry.file, first_ns + number)
    manifest = replace(a_manifest(), captures=tuple(entries))
    (folder / "manifest.json").write_text(manifest.to_json())
    return manifest


def an_entry(number: int, **changes: object) -> CaptureFile:
    entry = CaptureFile(f"capture-{number}.sqlite", "ab" * 32, 1, number, 0, 1.5, interrupted=False)
    return replace(entry, **changes)  # type: ignore[arg-type]


def names(path: Path) -> list[str]:
    return [member.name for member in find_captures(path)]


def test_a_file_is_a_set_of_one(tmp_path: Path) -> None:
    path = write_export(tmp_path / "one.sqlite")
    assert find_captures(path) == (Member(path, "one.sqlite"),)


def test_a_file_of_a_profile_keeps_its_manifest(tmp_path: Path) -> None:
    manifest = write_profile(tmp_path / "p", [an_entry(1), an_entry(2)])
    path = tmp_path / "p/capture-2.sqlite"
    assert find_captures(path) == (Member(path, "p/capture-2.sqlite", manifest),)
    stranger = write_export(tmp_path / "p/other.sqlite", 7_000)
    assert find_captures(stranger) == (Member(stranger, "other.sqlite"),)


def test_a_profile_is_taken_in_the_order_of_its_manifest(tmp_path: Path) -> None:
    manifest = write_profile(tmp_path / "p", [an_entry(2), an_entry(10), an_entry(1)])
    found = find_captures(tmp_path / "p")
    assert [member.path.name for member in found] == ["capture-2.sqlite", "capture-10.sqlite", "capture-1.sqlite"]
    assert all(member.manifest == manifest and not member.is_csv for member in found)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (an_entry(2, interrupted=True), "is of a run that was interrupted"),
        (an_entry(2, exit_code=137), "is of a run that failed with exit code 137"),
        (an_entry(2, exit_code=None), "is of a run that was killed"),
    ],
)
def test_what_is_no_sample_is_left_out_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: CaptureFile, problem: str
) -> None:
    write_profile(tmp_path / "p", [an_entry(1), entry])
    assert names(tmp_path / "p") == ["p/capture-1.sqlite"]
    assert capsys.readouterr().err == f"wb: warning: {tmp_path}/p/capture-2.sqlite {problem}, and is left out\n"


def test_a_missing_capture_and_one_that_no_manifest_lists_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_profile(tmp_path / "p", [an_entry(1), an_entry(2)])
    (tmp_path / "p/capture-2.sqlite").rename(tmp_path / "p/capture-3.sqlite")
    assert names(tmp_path / "p") == ["p/capture-1.sqlite"]
    missing, unlisted = capsys.readouterr().err.splitlines()
    assert missing.endswith("capture-2.sqlite is missing, and is left out")
    assert unlisted.endswith("capture-3.sqlite is not in the manifest beside it, and is left out")


def test_a_capture_recorded_elsewhere_has_neither_exit_code_nor_duration(tmp_path: Path) -> None:
    write_profile(tmp_path / "p", [an_entry(1, exit_code=None, duration_s=None)])
    assert names(tmp_path / "p") == ["p/capture-1.sqlite"]


def test_a_profile_of_failed_runs_is_an_empty_set(tmp_path: Path) -> None:
    write_profile(tmp_path / "p", [an_entry(1, exit_code=1)])
    with pytest.raises(UserError, match=NO_CAPTURE):
        find_captures(tmp_path / "p")


def test_a_manifest_that_cannot_be_read_is_done_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_profile(tmp_path / "p", [an_entry(1)])
    (tmp_path / "p/manifest.json").write_text("{")
    assert find_captures(tmp_path / "p") == (Member(tmp_path / "p/capture-1.sqlite", "p/capture-1.sqlite"),)
    assert "manifest.json cannot be read" in capsys.readouterr().err


def test_files_of_a_folder_are_sorted_as_people_count(tmp_path: Path) -> None:
    for number, name in enumerate(["run-10.sqlite", "run-9.db", "1.sqlite", "run.nsys-rep", ".hidden.sqlite", "a.txt"]):
        write_export(tmp_path / "f" / name, 1_000 + number)
    assert names(tmp_path / "f") == ["f/1.sqlite", "f/run-9.db", "f/run-10.sqlite", "f/run.nsys-rep"]


def test_a_report_and_its_export_are_one_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_export(tmp_path / "f/run.sqlite")
    (tmp_path / "f/run.nsys-rep").write_bytes(b"report")
    assert names(tmp_path / "f") == ["f/run.sqlite"]
    assert capsys.readouterr().err == ""
    (tmp_path / "f/run.sqlite.xz").write_bytes(b"compressed")
    assert names(tmp_path / "f") == ["f/run.sqlite"]
    assert "run.sqlite.xz is taken for the same capture as run.sqlite" in capsys.readouterr().err


def test_a_folder_of_folders_is_one_set(tmp_path: Path) -> None:
    one = write_profile(tmp_path / "set/p-2", [an_entry(1), an_entry(2)])
    write_profile(tmp_path / "set/p-10", [an_entry(1)], 5_000)
    write_export(tmp_path / "set/files/a.sqlite", 9_000)
    write_export(tmp_path / "set/.p.partial/a.sqlite")
    write_export(tmp_path / "set/deep/er/a.sqlite")
    found = find_captures(tmp_path / "set")
    assert [member.name for member in found] == [
        "files/a.sqlite",
        "p-2/capture-1.sqlite",
        "p-2/capture-2.sqlite",
        "p-10/capture-1.sqlite",
    ]
    assert [member.manifest and member.manifest.captures for member in found][:2] == [None, one.captures]


def test_folders_beside_captures_are_left_out_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_export(tmp_path / "set/a.sqlite")
    write_export(tmp_path / "set/inner/b.sqlite", 2_000)
    (tmp_path / "set/notes").mkdir()
    assert names(tmp_path / "set") == ["set/a.sqlite"]
    assert capsys.readouterr().err.endswith("so the folders in it are left out: inner\n")


def test_a_folder_of_csv_files_is_marked(tmp_path: Path) -> None:
    folder = tmp_path / "set/stats"
    folder.mkdir(parents=True)
    (folder / "cuda_gpu_kern_sum.csv").write_text("Name\n")
    expected = (Member(folder, "stats", is_csv=True),)
    assert find_captures(folder) == find_captures(tmp_path / "set") == expected
    with pytest.raises(UserError, match=r"cuda_gpu_kern_sum\.csv is one table of several; give the folder"):
        find_captures(folder / "cuda_gpu_kern_sum.csv")
    write_export(tmp_path / "set/captures/a.sqlite")
    with pytest.raises(UserError, match="holds both captures and CSV files of nsys stats; give one or the other"):
        find_captures(tmp_path / "set")


def test_an_empty_folder_is_an_empty_set(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/notes.txt").touch()
    with pytest.raises(UserError, match=NO_CAPTURE):
        find_captures(tmp_path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="away: no such file; give captures, a folder"):
        find_captures(tmp_path / "away")


@pytest.mark.parametrize("what", ["folder", "inner"])
def test_what_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    write_export(tmp_path / "folder/inner/a.sqlite")
    iterdir = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == what:
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match=rf"{what} cannot be read \(Permission denied\); give what you may read"):
        find_captures(tmp_path / "folder")


def test_the_same_bytes_twice_are_refused(tmp_path: Path) -> None:
    write_profile(tmp_path / "set/p", [an_entry(1), an_entry(2)])
    assert len(find_captures(tmp_path / "set/p")) == 2
    shutil.copytree(tmp_path / "set/p", tmp_path / "set/q")
    with pytest.raises(UserError, match=r"^p/capture-1\.sqlite and q/capture-1\.sqlite are the same capture"):
        find_captures(tmp_path / "set")


def test_the_same_recording_in_other_bytes_is_refused_once_it_is_open(tmp_path: Path) -> None:
    write_export(tmp_path / "set/a.sqlite")
    copy = write_export(tmp_path / "set/b.sqlite")
    with copy.open("ab") as file:
        file.write(bytes(4096))
    opened = open_members(find_captures(tmp_path / "set"))
    assert next(opened)[0] == "set/a.sqlite"
    with pytest.raises(UserError, match=r"^set/a\.sqlite and set/b\.sqlite are the same capture"):
        next(opened)


def test_captures_are_opened_one_at_a_time(tmp_path: Path) -> None:
    manifest = write_profile(tmp_path / "p", [an_entry(1), an_entry(2), an_entry(3)])
    alive: list[weakref.ref[object]] = []

    def measure(opened: tuple[str, object, Manifest | None]) -> tuple[str, str, Manifest | None]:
        name, trace, found = opened
        gc.collect()
        assert [reference() for reference in alive] == [None] * len(alive)
        alive.append(weakref.ref(trace))
        return name, trace.info.file_name, found  # type: ignore[attr-defined]

    expected = [(f"p/capture-{number}.sqlite",) * 2 + (manifest,) for number in (1, 2, 3)]
    assert list(map(measure, open_members(find_captures(tmp_path / "p")))) == expected


def test_a_report_is_opened_through_nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WB_NSYS", str(fake_nsys(tmp_path / "nsys/nsys", script=_NSYS)))
    write_export(tmp_path / "nsys/export.sqlite")
    (tmp_path / "run.nsys-rep").write_bytes(b"report")
    ((name, trace, manifest),) = open_members(find_captures(tmp_path / "run.nsys-rep"))
    assert (name, len(trace.kernels), manifest) == ("run.nsys-rep", 2, None)


def test_a_file_that_is_no_capture_is_said_when_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "notes.sqlite").write_text("text")
    with pytest.raises(UserError, match=r"notes\.sqlite"):
        list(open_members(find_captures(tmp_path)))


def test_names_do_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_profile(tmp_path / "p", [an_entry(1)])
    write_export(tmp_path / "p/a\x1b[2J.sqlite", 3_000)
    find_captures(tmp_path / "p")
    assert "\x1b" not in capsys.readouterr().err
