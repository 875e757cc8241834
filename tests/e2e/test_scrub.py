import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.command_line import WB, environment, is_one_sentence, wb
from tests.unit.capture.fakes import fake_nsys
from tests.unit.capture.private_exports import PRIVATE, write_private_export


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return write_private_export(tmp_path / "capture.sqlite")


def _is_scrubbed(path: Path) -> bool:
    return not any(text.encode() in path.read_bytes() for text in PRIVATE)


def test_to_another_file(capture: Path, tmp_path: Path) -> None:
    before = capture.read_bytes()
    done = wb("scrub", capture, "-o", "out.sqlite", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote out.sqlite: removed 5 tables (")
    assert _is_scrubbed(tmp_path / "out.sqlite")
    assert capture.read_bytes() == before


def test_in_place(capture: Path, tmp_path: Path) -> None:
    assert wb("scrub", capture, "--in-place", folder=tmp_path).returncode == 0
    assert _is_scrubbed(capture)
    assert [file.name for file in tmp_path.iterdir()] == [capture.name]


def test_nothing_is_replaced_unasked(capture: Path, tmp_path: Path) -> None:
    (tmp_path / "out.sqlite").write_text("theirs")
    done = wb("scrub", capture, "-o", "out.sqlite", folder=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert (tmp_path / "out.sqlite").read_text() == "theirs"
    assert wb("scrub", capture, "-o", "out.sqlite", "--force", folder=tmp_path).returncode == 0
    assert _is_scrubbed(tmp_path / "out.sqlite")


@pytest.mark.parametrize("options", [[], ["--in-place", "-o", "out.sqlite"]])
def test_one_target_must_be_named(capture: Path, tmp_path: Path, options: list[str]) -> None:
    done = wb("scrub", capture, *options, folder=tmp_path)
    assert done.returncode == 2
    assert "give either -o FILE or --in-place" in done.stderr
    assert not _is_scrubbed(capture)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 but cut off", b"something else entirely"])
def test_what_is_no_capture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.sqlite").write_bytes(content)
    for target in (["--in-place"], ["-o", "out.sqlite"]):
        done = wb("scrub", "bad.sqlite", *target, folder=tmp_path)
        assert done.returncode == 2
        assert is_one_sentence(done.stderr)
    assert (tmp_path / "bad.sqlite").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["bad.sqlite"]


def test_a_report_cannot_be_scrubbed_in_place(tmp_path: Path) -> None:
    (tmp_path / "theirs.nsys-rep").write_bytes(b"report")
    done = wb("scrub", "theirs.nsys-rep", "--in-place", folder=tmp_path)
    assert done.returncode == 2
    assert "give -o FILE.sqlite" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_scrub_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    nsys = fake_nsys(tmp_path / "nsys", script=f"touch {tmp_path}/started; exec sleep 60")
    (tmp_path / "report.nsys-rep").write_bytes(b"report")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    process = subprocess.Popen(
        [*WB, "scrub", "report.nsys-rep", "-o", "out.sqlite"],
        cwd=tmp_path,
        env=environment(WB_NSYS=str(nsys), TMPDIR=str(scratch)),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + 20
    while not (tmp_path / "started").exists() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert list(scratch.iterdir()) != []
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (128 + number, "")
    assert list(scratch.iterdir()) == []


def test_a_write_ahead_log_is_said_in_one_sentence(capture: Path, tmp_path: Path) -> None:
    (tmp_path / f"{capture.name}-wal").write_bytes(b"changes")
    done = wb("scrub", capture, "--in-place", folder=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
