from pathlib import Path

import pytest

from workbench.capture.command import RecordingOptions, recording_command, recording_flags
from workbench.capture.nsys import Nsys
from workbench.errors import UserError

OLD, NEW = (2022, 4, 2, 1), (2025, 3, 1, 90)


def test_what_is_always_asked_for() -> None:
    flags = recording_flags((2023, 4, 4, 54), RecordingOptions())
    assert flags == (
        "--trace=cuda,nvtx",
        "--sample=none",
        "--cpuctxsw=none",
        "--cuda-graph-trace=node",
        "--trace-fork-before-exec=true",
        "--wait=all",
        "--kill=none",
    )


def test_flags_that_only_a_new_nsys_knows() -> None:
    only_new = set(recording_flags(NEW, RecordingOptions())) - set(recording_flags(OLD, RecordingOptions()))
    assert only_new == {"--cuda-event-trace=false"}


def test_the_whole_command() -> None:
    nsys = Nsys(Path("/opt/nsys"), NEW, None)
    report = Path("/tmp/100%/report.nsys-rep")
    command = recording_command(nsys, RecordingOptions(), report, "wb-1", ["run", "--seed", "42"])
    assert command[:2] == ("/opt/nsys", "profile")
    assert command[-4:] == ("--output=/tmp/100%%/report", "run", "--seed", "42")
    assert {"--force-overwrite=true", "--session-new=wb-1"} <= set(command)


def test_delay_and_duration() -> None:
    flags = recording_flags(NEW, RecordingOptions(delay_s=1.5, duration_s=20.0))
    assert flags[-2:] == ("--delay=1.5", "--duration=20")


def test_an_old_nsys_takes_whole_seconds() -> None:
    assert "--delay=2" in recording_flags(OLD, RecordingOptions(delay_s=2.0))
    with pytest.raises(UserError, match=r"2022\.4\.2\.1 takes whole seconds"):
        recording_flags(OLD, RecordingOptions(duration_s=1.5))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_seconds_that_make_no_sense(seconds: float) -> None:
    with pytest.raises(UserError, match="makes no sense"):
        recording_flags(NEW, RecordingOptions(delay_s=seconds))


@pytest.mark.parametrize(
    ("capture_range", "flags"),
    [
        ("cudaProfilerApi", {"--capture-range=cudaProfilerApi"}),
        ("nvtx:decode", {"--capture-range=nvtx", "--nvtx-capture=decode@*"}),
        ("nvtx:decode@engine", {"--capture-range=nvtx", "--nvtx-capture=decode@engine"}),
        (r"nvtx:a\@b", {"--capture-range=nvtx", r"--nvtx-capture=a\@b@*"}),
    ],
)
def test_ranges(capture_range: str, flags: set[str]) -> None:
    given = set(recording_flags(NEW, RecordingOptions(capture_range=capture_range)))
    assert flags <= given
    assert "--capture-range-end=stop" in given
    registered_only = "--env-var=NSYS_NVTX_PROFILER_REGISTER_ONLY=0"
    assert (registered_only in given) == capture_range.startswith("nvtx")


@pytest.mark.parametrize("capture_range", ["nvtx:", "decode", "cuda", ""])
def test_ranges_that_are_unknown(capture_range: str) -> None:
    with pytest.raises(UserError, match="--capture-range"):
        recording_flags(NEW, RecordingOptions(capture_range=capture_range))


def test_an_nsys_too_old() -> None:
    with pytest.raises(UserError, match=r"2021\.5 is older than 2022\.4"):
        recording_flags((2021, 5), RecordingOptions())
