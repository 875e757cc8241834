import sqlite3
from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_nsys, only_programs_of
from workbench.capture import export as export_module
from workbench.capture.export import export_report
from workbench.errors import UserError


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "theirs" / "my report.nsys-rep"
    path.parent.mkdir()
    path.write_bytes(b"report")
    return path


def _nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = fake_nsys(tmp_path / "bin/nsys", "2023.4.4.54", script)
    only_programs_of(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("WB_NSYS", str(path))


@pytest.mark.parametrize("first_string", ["'a'", "CAST(X'FF' AS TEXT)"])
def test_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Path, first_string: str) -> None:
    original = tmp_path / "original.sqlite"
    connection = sqlite3.connect(original)
    with connection:
        connection.execute("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)")
        connection.execute(f"INSERT INTO StringIds VALUES (1, {first_string})")
    connection.close()
    script = f'for word; do case $word in --output=*) cp {original} "${{word#--output=}}";; esac; done'
    _nsys(tmp_path, monkeypatch, script)
    export_report(report, tmp_path / "out" / "export.sqlite")
    assert (tmp_path / "out" / "export.sqlite").read_bytes() == original.read_bytes()
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["export.sqlite"]
    assert [file.name for file in report.parent.iterdir()] == [report.name]


def test_no_nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Path) -> None:
    monkeypatch.setattr(export_module, "find_nsys", lambda: None)
    line = (
        "`nsys export --type sqlite -o 'my report.sqlite' 'my report.nsys-rep' "
        "&& wb scrub 'my report.sqlite' --in-place`"
    )
    with pytest.raises(UserError) as error:
        export_report(report, tmp_path / "export.sqlite")
    assert line in str(error.value)


def test_an_older_nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Path) -> None:
    _nsys(tmp_path, monkeypatch, 'echo "Exportation error: Version number is invalid: 2025@3@1" >&2; exit 1')
    with pytest.raises(UserError, match=r"newer nsys than 2023\.4\.4\.54 here; .*nsys export --type sqlite"):
        export_report(report, tmp_path / "export.sqlite")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo "Exportation error: Cannot read from stream." >&2; exit 1', "(Cannot read from stream)"),
        ('echo trace; echo "[QuadDCommon::tag_message*] = database or disk is full"', "(database or disk is full)"),
        ("true", "(it gave no reason)"),
    ],
)
def test_an_export_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Path, script: str, reason: str
) -> None:
    _nsys(tmp_path, monkeypatch, script)
    with pytest.raises(UserError) as error:
        export_report(report, tmp_path / "out" / "export.sqlite")
    assert reason in str(error.value)
    assert list((tmp_path / "out").iterdir()) == []
