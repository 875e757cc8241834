from pathlib import Path

from tests.e2e.command_line import wb
from tests.unit.capture.fakes import fake_nsys


def test_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    nsys = fake_nsys(tmp_path / "nsys", "2025.3.1.90")
    done = wb("doctor", folder=tmp_path, WB_NSYS=str(nsys), COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2025.3.1.90" in done.stdout
    assert "nsys's importer: install all of Nsight Systems" in done.stdout


def test_a_missing_nsys_is_no_failure(tmp_path: Path) -> None:
    done = wb("doctor", folder=tmp_path, WB_NSYS=str(tmp_path / "nothing"), COLUMNS="200")
    assert done.returncode == 0
    assert "nothing is no working nsys" in done.stdout


def test_paths_are_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    nsys = fake_nsys(tmp_path / "a-folder-whose-name-takes-more-than-a-line-of-its-own/nsys", "2025.3.1.90")
    done = wb("doctor", folder=tmp_path, WB_NSYS=str(nsys), COLUMNS="80")
    assert f"\nnsys: {nsys}\n" in done.stdout
