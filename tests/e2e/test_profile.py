import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.command_line import WB, environment, is_one_sentence, wb
from tests.e2e.conftest import RealNsys
from tests.unit.capture.fakes import fake_nsys, fake_program
from tests.unit.capture.private_exports import write_private_export
from tests.unit.test_manifest import check_against_schema
from workbench.manifest import read_manifest
from workbench.trace.open import uncompressed

_PROGRAMS = Path(__file__).parent / "programs"
# Split, so that this file's own text in a capture would not count as a find.
SECRET = "Zx8Qp2Lm7Rt4Vw9K" + "c3Nb6Hy1Jd5Fs0Ga8Te2Uo4"
Profile = Callable[..., subprocess.CompletedProcess[str]]


def _program(nsys: RealNsys, name: str, *arguments: str) -> list[str]:
    return [str(nsys.python), str(_PROGRAMS / f"{name}.py"), *arguments]


@pytest.fixture
def profile(nsys: RealNsys, tmp_path: Path) -> Profile:
    """Profiles one of the programs: its name, its arguments, then options of `wb profile`."""

    def run(name: str, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = _program(nsys, name, *arguments)
        return wb("profile", *options, "--", *command, folder=tmp_path, WB_NSYS=str(nsys.path))

    return run


def _only_folder(folder: Path) -> Path:
    (only,) = (folder / "profiles").iterdir()
    return only


def _ranges(capture: Path) -> Counter[str]:
    """How often each range is in a capture, by name."""
    query = """
        SELECT coalesce(text, value), count(*) FROM NVTX_EVENTS LEFT JOIN StringIds ON textId = StringIds.id
        WHERE eventType = 59 GROUP BY 1
    """
    with uncompressed(capture) as export:
        connection = sqlite3.connect(export)
        try:
            return Counter(dict(connection.execute(query)))
        finally:
            connection.close()


def _bytes_kept(folder: Path) -> bytes:
    """Everything that a folder of captures holds, uncompressed."""
    kept = [(folder / "manifest.json").read_bytes()]
    for capture in sorted(folder.glob("capture-*")):
        with uncompressed(capture) as export:
            kept.append(export.read_bytes())
    return b"".join(kept)


@dataclass(frozen=True)
class Spoken:
    """What came of profiling the speaker."""

    done: subprocess.CompletedProcess[str]
    working_folder: Path
    folder: Path


@pytest.fixture(scope="module")
def spoken(nsys: RealNsys, tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    folder = tmp_path_factory.mktemp("speaker")
    command = [*_program(nsys, "speaker"), "--api-key", SECRET, "--seed", "42", "--team=blueberry"]
    options = ["--reps", "2", "--keep-rep", "--name", "speaker", "--"]
    variables = {"API_TOKEN": SECRET, "TEAM": "blueberry", "MODEL_TYPE": "attention", "SHORT": "xyz", "PIN": "4711"}
    variables |= {"WB_NSYS": str(nsys.path)}
    done = wb("profile", *options, *command, folder=folder, typed="a word\n", **variables)
    return Spoken(done, folder, _only_folder(folder))


def test_the_program_runs_as_if_nsys_were_not_there(spoken: Spoken) -> None:
    assert spoken.done.returncode == 3
    # The first run takes the only line that was typed.
    assert spoken.done.stdout == "heard: a word\nheard: \n"
    assert spoken.done.stderr.count("an error of the program\n") == 2


def test_what_wb_says_is_its_own(spoken: Spoken) -> None:
    own = [line for line in spoken.done.stderr.splitlines() if line != "an error of the program"]
    assert all(line.startswith("wb: ") for line in own)
    assert "wb: run 2 of 2: scrubbing" in own
    assert any("capture-2.sqlite.zst: 0 kernels, the program's exit code was 3" in line for line in own)
    assert sum("holds no kernel" in line for line in own) == 2
    assert sum("masked: API_TOKEN in 1 name; rename the ranges" in line for line in own) == 1
    assert sum("masked in the manifest: TEAM; unset" in line for line in own) == 1
    assert not any("wb findings" in line for line in own)


def test_a_capture_a_run(spoken: Spoken) -> None:
    files = ["capture-1.sqlite.zst", "capture-2.sqlite.zst", "manifest.json"]
    assert sorted(file.name for file in spoken.folder.iterdir()) == files
    for file in files[:2]:
        assert _ranges(spoken.folder / file) == {"prefill": 1, "attention": 1, "request of ***": 1}


def test_the_manifest(spoken: Spoken) -> None:
    check_against_schema((spoken.folder / "manifest.json").read_text())
    manifest = read_manifest(spoken.folder)
    assert manifest.program.command == ("python", "speaker.py", "--api-key", "***", "--seed", "42", "--team=***")
    assert manifest.workload == {"model": "tiny", "team": "***"}
    assert manifest.nsys.version.startswith("2023.4")
    assert [capture.exit_code for capture in manifest.captures] == [0, 3]
    for capture in manifest.captures:
        assert capture.size_bytes == (spoken.folder / capture.file).stat().st_size


def test_no_value_of_the_environment_is_kept(spoken: Spoken) -> None:
    kept = _bytes_kept(spoken.folder)
    assert b"prefill" in kept
    for private in (SECRET, "blueberry", "SHORT=", "PIN=", "heard:", str(spoken.working_folder), str(_PROGRAMS)):
        assert private.encode() not in kept
    # What the user is told names variables, and stands in the manifest alone.
    assert kept.count(b"API_TOKEN") == (spoken.folder / "manifest.json").read_bytes().count(b"API_TOKEN") == 1


def test_a_kept_report_holds_it_all_until_it_is_scrubbed(spoken: Spoken, nsys: RealNsys, tmp_path: Path) -> None:
    reports = sorted(spoken.working_folder.glob("*.nsys-rep"))
    assert [report.name for report in reports] == [f"{spoken.folder.name}-{n}.nsys-rep" for n in (1, 2)]
    assert spoken.done.stderr.count("holds the program's whole environment") == 2
    for target in ("out.sqlite", "out.sqlite.xz"):
        done = wb("scrub", reports[0], "-o", target, folder=tmp_path, WB_NSYS=str(nsys.path))
        assert (done.returncode, done.stderr) == (0, "")
        assert _ranges(tmp_path / target) == {"prefill": 1, "attention": 1, "request of ***": 1}
        assert "masked: API_TOKEN in 1 name" in done.stdout
    raw = tmp_path / "raw.sqlite"
    subprocess.run(
        [nsys.path, "export", "--type=sqlite", f"--output={raw}", reports[0]], check=True, capture_output=True
    )
    assert SECRET.encode() in raw.read_bytes()
    assert SECRET.encode() not in (tmp_path / "out.sqlite").read_bytes()


def test_delay_and_duration(profile: Profile, tmp_path: Path) -> None:
    done = profile("stepper", "30", options=("--delay", "0.5", "--duration", "1"))
    # The program runs on after recording ends.
    assert (done.returncode, done.stdout) == (0, "started\nfinished\n")
    folder = _only_folder(tmp_path)
    assert 3 <= _ranges(folder / "capture-1.sqlite.zst")["step"] <= 15
    manifest = read_manifest(folder)
    assert manifest.captures[0].duration_s > 3
    assert {"--delay=0.5", "--duration=1"} <= set(manifest.nsys.flags)


def test_a_program_shorter_than_the_delay(profile: Profile, tmp_path: Path) -> None:
    done = profile("stepper", "1", options=("--delay", "30"))
    assert done.returncode == 2
    assert "shorten --delay" in done.stderr
    assert list((tmp_path / "profiles").iterdir()) == []


def test_a_range(profile: Profile, tmp_path: Path) -> None:
    done = profile("stepper", "12", options=("--capture-range", "nvtx:measure"))
    assert (done.returncode, done.stdout) == (0, "started\nfinished\n")
    assert _ranges(_only_folder(tmp_path) / "capture-1.sqlite.zst") == {"measure": 1, "step": 3}


def test_a_range_that_is_never_opened(profile: Profile) -> None:
    done = profile("stepper", "1", options=("--capture-range", "nvtx:measure@elsewhere"))
    assert done.returncode == 2
    assert "never opened the range" in done.stderr


def test_a_program_that_fails_at_once_is_not_repeated(nsys: RealNsys, tmp_path: Path) -> None:
    done = wb("profile", "--reps", "3", "--", "sh", "-c", "exit 7", folder=tmp_path, WB_NSYS=str(nsys.path))
    assert done.returncode == 7
    assert "run 1 of 3 ended with exit code 7 and launched no kernel, so it was the last" in done.stderr
    assert "run 2 of 3" not in done.stderr
    assert "wb findings" not in done.stderr
    assert len(read_manifest(_only_folder(tmp_path)).captures) == 1


def test_child_processes_are_traced(profile: Profile, tmp_path: Path) -> None:
    assert profile("family", "parent").returncode == 0
    ranges = _ranges(_only_folder(tmp_path) / "capture-1.sqlite.zst")
    assert ranges == {"parent": 1, "child": 1, "grandchild": 1}


def _started(nsys: RealNsys, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Profiles a long program, in a terminal session of its own; it has started."""
    (folder / "tmp").mkdir()
    process = subprocess.Popen(
        [*WB, "profile", "--reps", "3", "--", *_program(nsys, "stepper", "300", *arguments)],
        cwd=folder,
        env=environment(WB_NSYS=str(nsys.path), TMPDIR=str(folder / "tmp")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    time.sleep(0.5)
    return process


def test_ctrl_c_leaves_a_capture(nsys: RealNsys, tmp_path: Path) -> None:
    process = _started(nsys, tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "finished" not in output
    assert "KeyboardInterrupt" in errors  # the program's, which gets Ctrl-C as ever
    assert "finishing the capture" in errors
    folder = _only_folder(tmp_path)
    (capture,) = read_manifest(folder).captures
    assert (capture.interrupted, capture.exit_code) == (True, 130)
    assert _ranges(folder / capture.file)["step"] >= 2
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_twice_kills_a_program_that_does_not_listen(nsys: RealNsys, tmp_path: Path) -> None:
    process = _started(nsys, tmp_path, "stubborn")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "finished" not in output
    folder = _only_folder(tmp_path)
    (capture,) = read_manifest(folder).captures
    assert (capture.interrupted, capture.exit_code) == (True, None)
    assert _ranges(folder / capture.file)["step"] >= 2
    assert list((tmp_path / "tmp").iterdir()) == []


# Runs the program, in a group of its own, and writes a report; copies the export that lies beside it.
_PRETENDER = """
for word; do case $word in --output=*) output=${word#--output=};; esac; done
if [ "$1" = export ]; then cp "$(dirname "$0")/export.sqlite" "$output"; exit; fi
shift
while case $1 in --*) true;; *) false;; esac; do shift; done
setsid --wait "$@"
echo report > "$output.nsys-rep"
"""


@pytest.fixture
def pretender(tmp_path: Path) -> Path:
    """An nsys that pretends."""
    nsys = fake_nsys(tmp_path / "nsys/nsys", script=_PRETENDER)
    write_private_export(nsys.parent / "export.sqlite")
    return nsys


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT])
def test_who_hangs_up_leaves_nothing_behind(pretender: Path, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*WB, "profile", "--", "sh", "-c", "echo $$; exec sleep 60"],
        cwd=tmp_path,
        env=environment(WB_NSYS=str(pretender), TMPDIR=str(tmp_path / "tmp")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    program = int(process.stdout.readline())
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith("interrupted: there is no capture\n")
    assert not Path(f"/proc/{program}/cmdline").exists() or not Path(f"/proc/{program}/cmdline").read_bytes()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "profiles").iterdir()) == []


def test_a_reader_who_leaves_ends_no_recording(pretender: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*WB, "profile", "--", "true"],
        cwd=tmp_path,
        env=environment(WB_NSYS=str(pretender)),
        stdout=write,
        stderr=write,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert done.returncode == 0
    assert len(read_manifest(_only_folder(tmp_path)).captures) == 1


def test_a_program_that_kills_its_whole_group_has_failed(pretender: Path, tmp_path: Path) -> None:
    done = wb("profile", "--", "sh", "-c", "kill -9 $PPID", folder=tmp_path, WB_NSYS=str(pretender))
    assert done.returncode == 137
    assert "gave no exit code" in done.stderr


def test_a_program_that_does_not_exist(profile: Profile, nsys: RealNsys, tmp_path: Path) -> None:
    done = wb("profile", "--", "no-such-program", folder=tmp_path, WB_NSYS=str(nsys.path))
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "no-such-program cannot be run" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_program(tmp_path: Path) -> None:
    done = wb("profile", "--reps", "2", folder=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)


def test_an_nsys_whose_importer_lacks_a_library(tmp_path: Path) -> None:
    leave_a_stream = 'for word; do case $word in --output=*) echo > "${word#--output=}.qdstrm";; esac; done'
    nsys = fake_nsys(tmp_path / "target-linux-x64/nsys", script=leave_a_stream)
    fake_program(tmp_path / "host-linux-x64/QdstrmImporter", "")
    fake_program(tmp_path / "bin/ldd", "echo 'libdw.so.1 => not found'")
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    done = wb("profile", "--", "true", folder=tmp_path, WB_NSYS=str(nsys), PATH=path)
    assert done.returncode == 2
    assert "lacks libdw.so.1); `apt-get install libdw1t64`" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_nsys(tmp_path: Path) -> None:
    done = wb("profile", "--", "true", folder=tmp_path, WB_NSYS=str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
