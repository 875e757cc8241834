import os
from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_nsys, fake_program, only_programs_of
from workbench.capture import recording as recording_module
from workbench.capture.command import RecordingOptions
from workbench.capture.interrupts import StopRequest
from workbench.capture.nsys import find_nsys
from workbench.capture.recording import Recording, record
from workbench.errors import UserError

# An nsys runs the program that follows its flags, and writes to what --output names.
_RUN = """
shift
while case $1 in --output=*) output=${1#--output=};; esac; case $1 in --*) true;; *) false;; esac; do shift; done
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def _record(
    nsys_script: str,
    tmp_path: Path,
    scratch: Path,
    *,
    program: str = "exit 3",
    stop: StopRequest | None = None,
    options: RecordingOptions | None = None,
) -> Recording:
    path = fake_nsys(tmp_path / "target-linux-x64/nsys", script=nsys_script)
    nsys = find_nsys({"WB_NSYS": str(path)})
    assert nsys is not None
    return record(
        nsys,
        options or RecordingOptions(),
        ["sh", "-c", program],
        scratch,
        environment=dict(os.environ),
        stop=stop or StopRequest(),
        progress=lambda message: None,
    )


def test_a_report(tmp_path: Path, scratch: Path) -> None:
    script = _RUN + '"$@"; echo > "$output.nsys-rep"; echo message'
    recording = _record(script, tmp_path, scratch)
    assert recording.report == scratch / "report.nsys-rep"
    assert recording.report.exists()
    assert (recording.run.exit_code, recording.run.interrupted) == (3, False)
    assert recording.run.messages == ("message",)


def test_the_program_keeps_its_output(tmp_path: Path, scratch: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = _RUN + 'echo of nsys; "$@"; echo > "$output.nsys-rep"'
    _record(script, tmp_path, scratch, program="echo of the program; echo its errors >&2")
    assert capfd.readouterr() == ("of the program\n", "its errors\n")


def test_the_programs_temporary_folder_is_its_own(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script = _RUN + 'echo $TMPDIR; "$@"; echo > "$output.nsys-rep"'
    for variable in ("/tmp/mine", ""):
        monkeypatch.setenv("TMPDIR", variable)
        recording = _record(script, tmp_path, scratch, program='echo "[$TMPDIR]"')
        assert recording.run.messages == (str(scratch),)
        assert capfd.readouterr().out == f"[{variable}]\n"


def test_closed_streams(tmp_path: Path, scratch: Path) -> None:
    stdin = os.dup(0)
    os.close(0)
    try:
        recording = _record(_RUN + '"$@"; echo > "$output.nsys-rep"', tmp_path, scratch, program="cat; exit 4")
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
    assert recording.run.exit_code == 4


def test_the_exit_code_of_a_program_that_outlives_nsys(tmp_path: Path, scratch: Path) -> None:
    script = _RUN + '"$@" & sleep 0.2; echo > "$output.nsys-rep"'
    recording = _record(script, tmp_path, scratch, program="sleep 0.6; exit 5")
    assert recording.run.exit_code == 5
    assert recording.run.duration_s > 0.6


def test_a_program_killed_by_a_signal(tmp_path: Path, scratch: Path) -> None:
    recording = _record(_RUN + '"$@"; echo > "$output.nsys-rep"', tmp_path, scratch, program="kill -9 $$")
    assert recording.run.exit_code == 128 + 9


def test_an_importer_without_its_libraries(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "host-linux-x64/QdstrmImporter", "")
    fake_program(tmp_path / "bin/ldd", "echo 'libdw.so.1 => not found'")
    only_programs_of(tmp_path / "bin", monkeypatch)
    with pytest.raises(UserError, match=r"lacks libdw\.so\.1.*libdw1"):
        _record(_RUN + '"$@"; echo > "$output.qdstrm"', tmp_path, scratch)


def test_an_importer_that_fails_otherwise(tmp_path: Path, scratch: Path) -> None:
    script = _RUN + '"$@"; echo > "$output.qdstrm"; echo "Importer error."; echo Generated:'
    with pytest.raises(UserError, match=r"importer failed \(Importer error\); run `wb doctor`"):
        _record(script, tmp_path, scratch)


def test_an_nsys_that_fails(tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(UserError, match=r"could not start the program \(no permission\); try again when no other nsys"):
        _record(f"echo x >> {tmp_path}/attempts; echo no permission; exit 1", tmp_path, scratch)
    assert (tmp_path / "attempts").read_text() == "x\n"


# What nsys says now and then where several run at once.
_NO_ENDPOINT = "echo '[QuadDCommon::tag_message*] = Local Endpoint is not available.'; exit 1"
_NO_AGENT = "echo 'Connection to Agent lost.'; echo https://docs.nvidia.com/; exit 1"


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "_PAUSE_S", 0)


@pytest.mark.usefixtures("_no_pause")
@pytest.mark.parametrize("failure", [_NO_ENDPOINT, _NO_AGENT])
def test_an_nsys_that_misses_its_agent_is_started_again(tmp_path: Path, scratch: Path, failure: str) -> None:
    script = f'if mkdir {tmp_path}/once; then {failure}; fi{_RUN}"$@"; echo > "$output.nsys-rep"'
    recording = _record(script, tmp_path, scratch)
    assert recording.report is not None
    assert recording.report.exists()
    assert recording.run.exit_code == 3


@pytest.mark.usefixtures("_no_pause")
@pytest.mark.parametrize(
    ("failure", "reason"), [(_NO_ENDPOINT, "Local Endpoint is not available"), (_NO_AGENT, "Connection to Agent lost")]
)
def test_an_nsys_that_misses_its_agent_again(tmp_path: Path, scratch: Path, failure: str, reason: str) -> None:
    with pytest.raises(UserError, match=rf"\({reason}\); try again when no other nsys is running"):
        _record(f"echo x >> {tmp_path}/attempts; {failure}", tmp_path, scratch)
    assert (tmp_path / "attempts").read_text() == "x\nx\n"


@pytest.mark.usefixtures("_no_pause")
def test_a_program_that_has_run_is_not_run_again(tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(UserError, match="left no report"):
        _record(f'{_RUN}"$@"; {_NO_AGENT}', tmp_path, scratch, program=f"echo x >> {tmp_path}/runs")
    assert (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (RecordingOptions(delay_s=9), "9 s after its start; shorten --delay"),
        (RecordingOptions(capture_range="cudaProfilerApi"), "never called cudaProfilerStart"),
        (RecordingOptions(capture_range="nvtx:decode"), "never opened the range .* nvtx:decode"),
        (RecordingOptions(), r"left no report \(bad luck\)"),
    ],
)
def test_nothing_recorded(tmp_path: Path, scratch: Path, options: RecordingOptions, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        _record(_RUN + '"$@"; echo bad luck', tmp_path, scratch, options=options)


def test_nothing_recorded_because_the_user_stopped(tmp_path: Path, scratch: Path) -> None:
    recording = _record("sleep 5", tmp_path, scratch, stop=StopRequest(made=True))
    assert recording.report is None
    assert not recording.run.started
