from dataclasses import replace
from pathlib import Path

from tests.unit.test_manifest import STOPPED, a_manifest
from workbench.capture.outcome import outcome
from workbench.capture.profile import ProfileResult
from workbench.capture.repetition import FinishedCapture

FOLDER = Path("profiles/run-1")
CAPTURE = FinishedCapture(a_manifest().captures[0], 2, 0, None, None, ())


def _outcome(*captures: FinishedCapture, warnings: tuple[str, ...] = ()) -> list[str]:
    return outcome(ProfileResult(FOLDER, a_manifest(), captures, False, warnings, ""))


def test_a_capture_a_line() -> None:
    failed = replace(CAPTURE, file=replace(CAPTURE.file, exit_code=3), kernels=1, hidden_graphs=7)
    hidden = "7 graph launches that hide theirs"
    stopped = replace(CAPTURE, file=STOPPED, kernels=0)
    assert _outcome(CAPTURE, failed, stopped) == [
        f"wrote {FOLDER}/capture-1.sqlite.zst: 2 kernels",
        f"wrote {FOLDER}/capture-1.sqlite.zst: 1 kernel, {hidden}, the program's exit code was 3",
        f"wrote {FOLDER}/capture-1.sqlite.zst: 0 kernels, interrupted",
    ]


def test_warnings_come_last() -> None:
    lines = _outcome(replace(CAPTURE, report=Path("run-1.nsys-rep")), warnings=("one", "two"))
    assert lines[1].startswith("warning: run-1.nsys-rep holds the program's whole environment")
    assert lines[2:] == ["warning: one", "warning: two"]
