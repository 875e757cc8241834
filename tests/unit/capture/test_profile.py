import json
import re
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.capture.fakes import fake_nsys
from tests.unit.capture.private_exports import write_private_export
from tests.unit.test_manifest import check_against_schema
from workbench.capture import repetition
from workbench.capture.command import RecordingOptions
from workbench.capture.profile import ProfileOptions, ProfileResult, profile
from workbench.errors import UserError
from workbench.manifest import Slowdown, Speed, read_manifest
from workbench.trace.open import uncompressed

# `nsys profile` runs the program and writes a report; `nsys export` copies a file that lies beside this nsys.
_NSYS = """
for word; do case $word in --output=*) output=${word#--output=};; esac; done
if [ "$1" = export ]; then
    cp "$(dirname "$0")/export.sqlite" "$output"
    exit
fi
shift
while case $1 in --*) true;; *) false;; esac; do shift; done
"$@"
echo report > "$output.nsys-rep"
"""
# What the names of the export's ranges lose.
HIDDEN = "masked: GREETING in 1 name, HF_TOKEN in 1, TEAM in 1; rename the ranges"
Run = Callable[..., ProfileResult]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Profiles a shell script with an nsys that pretends."""
    nsys = fake_nsys(tmp_path / "nsys/nsys", script=_NSYS)
    write_private_export(tmp_path / "nsys/export.sqlite")
    monkeypatch.setenv("WB_NSYS", str(nsys))
    monkeypatch.chdir(tmp_path)

    def profile_script(script: str, **options: Any) -> ProfileResult:
        environment = {"PATH": "/usr/bin:/bin", "GREETING": "Qwen/Qwen3-4B", "TEAMX": "blueberry"}
        return profile(ProfileOptions(("sh", "-c", script), **options), environment, lambda message: None)

    return profile_script


def _texts(capture: Path) -> list[str]:
    with uncompressed(capture) as export:
        connection = sqlite3.connect(export)
        try:
            return [text for (text,) in connection.execute("SELECT text FROM NVTX_EVENTS WHERE text IS NOT NULL")]
        finally:
            connection.close()


def test_a_folder_of_captures(run: Run, tmp_path: Path) -> None:
    result = run("exit 3", repetitions=2, name="bench")
    assert result.folder.parent == Path("profiles")
    assert result.folder.name.startswith("bench-")
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "capture-1.sqlite.zst",
        "capture-2.sqlite.zst",
        "manifest.json",
    ]
    assert read_manifest(result.folder) == result.manifest
    check_against_schema(result.manifest.to_json())
    assert [capture.exit_code for capture in result.manifest.captures] == [3, 3]
    assert [capture.kernels for capture in result.captures] == [1, 1]
    assert (result.exit_code, result.interrupted, result.failure) == (3, False, "")
    assert len(result.warnings) == 1
    assert HIDDEN in result.warnings[0]
    assert list(tmp_path.rglob("*.nsys-rep")) == []


def test_captures_are_scrubbed_of_the_programs_environment(run: Run) -> None:
    result = run("true")
    assert _texts(result.folder / "capture-1.sqlite.zst")[-1] == "***"


def _drop_kernels(export: Path) -> None:
    connection = sqlite3.connect(export)
    with connection:
        connection.execute("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL")
    connection.close()


def test_a_program_without_kernels(run: Run, tmp_path: Path) -> None:
    _drop_kernels(tmp_path / "nsys/export.sqlite")
    result = run("true", repetitions=2)
    assert sum("launched none on an NVIDIA GPU" in warning for warning in result.warnings) == 2
    assert result.first_with_kernels is None
    recorded_in_part = run("true", recording=RecordingOptions(delay_s=1)).warnings
    assert any("while it was recorded" in warning for warning in recorded_in_part)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", "with exit code 3"), ("kill -9 $PPID", "without an exit code")]
)
def test_a_program_that_fails_before_its_first_kernel_is_not_repeated(
    run: Run, tmp_path: Path, script: str, code: str
) -> None:
    _drop_kernels(tmp_path / "nsys/export.sqlite")
    result = run(script, repetitions=3)
    assert len(result.captures) == 1
    assert result.failure == ""
    assert result.warnings[-1] == f"run 1 of 3 ended {code} and launched no kernel, so it was the last"
    assert run(script).warnings[-1].startswith("capture-1.sqlite.zst holds no kernel")


def test_a_program_that_is_killed_with_its_shell_has_failed(run: Run) -> None:
    result = run("kill -9 $PPID")
    assert result.exit_code == 137
    assert any("gave no exit code" in warning for warning in result.manifest.warnings)


def test_a_workload_that_cannot_be_written_costs_no_capture(run: Run) -> None:
    result = run("""printf '{"a": "\\\\ud800"}' > $WB_WORKLOAD_MANIFEST""")
    assert (result.manifest.workload, len(result.captures)) == (None, 1)
    assert any("is left out" in warning for warning in result.manifest.warnings)


def test_what_the_program_says_of_its_work(run: Run) -> None:
    write = """echo '{"model": "/data/models/tiny.gguf"}' > $WB_WORKLOAD_MANIFEST"""
    assert run(write).manifest.workload == {"model": "tiny.gguf"}
    result = run("echo nonsense > $WB_WORKLOAD_MANIFEST")
    assert result.manifest.workload is None
    assert any("is left out" in warning for warning in result.manifest.warnings)


def test_finished_captures_survive_a_later_failure(run: Run, tmp_path: Path) -> None:
    result = run(f"if mkdir {tmp_path}/once; then exit 0; fi; rm {tmp_path}/nsys/export.sqlite", repetitions=3)
    assert len(result.captures) == 1
    assert result.failure.startswith("run 2 gave no capture: nsys")
    warnings = json.loads((result.folder / "manifest.json").read_text())["warnings"]
    assert len(warnings) == 2
    assert warnings[1].startswith("run 2 gave no capture: nsys")
    assert result.warnings == (warnings[0],)


def test_a_failure_of_the_first_run_leaves_nothing(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not export"):
        run(f"rm {tmp_path}/nsys/export.sqlite", repetitions=3)
    assert list((tmp_path / "profiles").iterdir()) == []


def test_reports_are_kept_outside_the_captures(run: Run, tmp_path: Path) -> None:
    result = run("true", keep_reports=tmp_path, output=tmp_path / "profiles")
    report = result.captures[0].report
    assert report == tmp_path / f"{result.folder.name}-1.nsys-rep"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    for inside in (tmp_path / "profiles", tmp_path / "profiles" / "x"):
        with pytest.raises(UserError, match="among the captures"):
            run("true", keep_reports=inside, output=tmp_path / "profiles")


def test_a_full_disk_is_seen_before_nsys_hangs_on_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetition, "_LEAST_ROOM_BYTES", 1 << 60)
    with pytest.raises(UserError, match="set TMPDIR to another folder"):
        run("true")


def test_secrets_in_the_command_are_masked(run: Run) -> None:
    command = run("true --api-key abc", name="bench").manifest.program.command
    assert command == ("sh", "-c", "true --api-key ***")


def test_the_command_is_masked_as_ranges_are(run: Run) -> None:
    result = run('true --pass-through=blueberry; echo \'{"team": "blueberry"}\' > $WB_WORKLOAD_MANIFEST')
    assert "--pass-through=***;" in result.manifest.program.command[-1]
    assert result.manifest.workload == {"team": "***"}
    assert "blueberry" not in (result.folder / "manifest.json").read_text()
    assert "TEAMX" in result.warnings[-1]
    assert "the command line or the workload holds values" in result.warnings[-1]


@pytest.mark.parametrize(
    ("command", "options", "reason"),
    [
        (("no-such-program",), {}, "no-such-program cannot be run"),
        (("true",), {"repetitions": 0}, "--reps 0"),
        (("true",), {"name": "a/b"}, "--name a/b"),
        (("true",), {"recording": RecordingOptions(delay_s=-1)}, "--delay -1"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    run: Run, tmp_path: Path, command: tuple[str, ...], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        profile(ProfileOptions(command, **options), {"PATH": "/usr/bin:/bin"}, lambda message: None)
    assert not (tmp_path / "profiles").exists()


def test_a_title_stands_before_the_date_alone(run: Run) -> None:
    def name(**options: Any) -> str:
        return run("true", title="Qwen 4B/graphs-on", **options).folder.name

    first = name()
    assert re.fullmatch(r"Qwen-4B-graphs-on-\d{4}-\d{2}-\d{2}", first)
    assert name() == f"{first}-2"
    assert name(is_taken=lambda name: name == f"{first}-3") == f"{first}-4"
    assert run("true", title="a Qwen/Qwen3-4B b").folder.name.startswith("a-b-")


def test_the_speed_before_and_under_the_profiler(run: Run) -> None:
    def told(prefill_ns: int, tokens: str) -> dict[str, Any]:
        timings = {"prefill_ns": [prefill_ns] * 3, "decode_ns": [50] * 3, "decode_steps": 5}
        return {"timings": timings, "results": {"tokens_sha256": tokens}}

    write = f"echo '{json.dumps(told(300, 'one'))}' > $WB_WORKLOAD_MANIFEST"
    manifest = run(write, repetitions=2, unprofiled=told(200, "one")).manifest
    assert manifest.unprofiled == Speed((200,) * 3, (50,) * 3, 5)
    assert manifest.profiled == Speed((300,) * 6, (50,) * 6, 5)
    assert manifest.slowdown == Slowdown(1.5, None)
    assert not any("differ" in warning for warning in manifest.warnings)
    assert any("tokens differ" in warning for warning in run(write, unprofiled=told(200, "other")).warnings)
    assert run("true").manifest.slowdown is None


@pytest.fixture
def run_recording_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Profiles a shell script that is called with `--record FILE` as its arguments, without nsys."""
    monkeypatch.setenv("WB_NSYS", str(tmp_path / "no-nsys"))
    monkeypatch.chdir(tmp_path)
    write_private_export(tmp_path / "theirs.sqlite")

    def profile_script(script: str, **options: Any) -> ProfileResult:
        environment = {"PATH": "/usr/bin:/bin", "GREETING": "Qwen/Qwen3-4B"}
        command = ("sh", "-c", script, "sh")
        return profile(ProfileOptions(command, recording=None, **options), environment, lambda message: None)

    return profile_script


def test_a_program_can_record_itself(run_recording_itself: Run) -> None:
    result = run_recording_itself('[ "$1" = --record ] && cp theirs.sqlite "$2"', repetitions=2)
    assert [capture.kernels for capture in result.captures] == [1, 1]
    assert _texts(result.folder / "capture-2.sqlite.zst")[-1] == "***"
    assert (result.manifest.nsys, result.manifest.device) == (None, None)
    assert result.manifest.notice == "CPU times of the NumPy reference: they say nothing of a GPU."
    check_against_schema(result.manifest.to_json())
    assert read_manifest(result.folder) == result.manifest


def test_a_program_that_records_nothing_has_failed(run_recording_itself: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exit code 3 and recorded nothing"):
        run_recording_itself("exit 3")
    assert list((tmp_path / "profiles").iterdir()) == []
