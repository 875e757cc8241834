import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.command_line import ROOT, is_one_sentence, wb
from tests.schemas import check
from tests.unit.test_manifest import check_against_schema
from workbench.manifest import read_manifest
from workbench.recorders import CPU_NOTICE


@dataclass(frozen=True)
class Profiled:
    """What came of `wb profile --model tiny-qwen3`."""

    done: subprocess.CompletedProcess[str]
    working_folder: Path
    folder: Path

    @property
    def report(self) -> Path:
        return self.working_folder / "reports" / f"{self.folder.name}.md"


def _profile(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return wb(
        "profile", "--model", "tiny-qwen3", "--workload", "pp=64,tg=16", "--backend", "numpy", *options, folder=folder
    )


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    folder = tmp_path_factory.mktemp("model")
    done = _profile(folder, "--reps", "2", "--graphs", "both", "--context", "512")
    (only,) = (folder / "profiles").iterdir()
    return Profiled(done, folder, only)


def test_captures_manifest_and_report_lie_where_they_are_said_to(profiled: Profiled) -> None:
    assert profiled.done.returncode == 0, profiled.done.stderr
    assert profiled.folder.name.startswith("tiny-qwen3-pp64-tg16-cpu-20")
    files = ["capture-1.sqlite.zst", "capture-2.sqlite.zst", "manifest.json"]
    assert sorted(path.name for path in profiled.folder.iterdir()) == files
    reports = sorted(path.suffix for path in (profiled.working_folder / "reports").iterdir())
    assert reports == [".md", ".sql", ".svg"]
    assert f"wb: the report is reports/{profiled.report.name}, with " in profiled.done.stderr


def test_it_is_said_how_much_is_attributed_and_what_recording_cost(profiled: Profiled) -> None:
    said = profiled.done.stderr
    assert f"wb: {CPU_NOTICE}\n" in said
    assert "wb: 100.0 % of " in said
    assert "wb: by phase: 100.0 % of prefill and 100.0 % of decode is attributed\n" in said
    assert "wb: a prefill took " in said
    assert "wb: a decode step took " in said
    assert "with it (the median of 2 runs each: too few to tell a slowdown)" in said
    assert "wb: NumPy has no CUDA graphs" in said
    assert "synthetic weights, seed 42; give --weights PATH" in said


def test_the_manifest_holds_the_run_and_its_speeds(profiled: Profiled) -> None:
    text = (profiled.folder / "manifest.json").read_text(encoding="utf-8")
    check_against_schema(text)
    manifest = read_manifest(profiled.folder)
    assert manifest.notice == CPU_NOTICE
    assert manifest.workload
    assert manifest.workload["schema"] == "engine.run/1"
    assert manifest.workload["workload"]["decode_tokens"] == 16
    assert manifest.unprofiled
    assert manifest.profiled
    assert len(manifest.unprofiled.prefill_ns) == len(manifest.profiled.prefill_ns) == 2
    assert manifest.slowdown is None
    assert "unknown" not in manifest.workload["versions"].values()
    assert str(profiled.working_folder) not in text


def test_the_report_says_first_whose_times_these_are(profiled: Profiled) -> None:
    markdown = profiled.report.read_text(encoding="utf-8")
    assert markdown.splitlines()[0] == f"**{CPU_NOTICE}**"
    assert "(engine, tiny-qwen3 fp32, synthetic weights)" in markdown.splitlines()[2]
    assert "- 100.0 % of " in markdown
    assert "A decode step takes" in markdown
    assert str(profiled.working_folder) not in markdown


def test_every_other_command_reads_it(profiled: Profiled) -> None:
    name = f"profiles/{profiled.folder.name}"
    json_report = wb("findings", name, "--format", "json", folder=profiled.working_folder)
    check(json_report.stdout, "findings")
    assert '"rooflines": []' in json_report.stdout
    table = wb("attribute", name, "--by", "layer_type,role", "--phase", "decode", folder=profiled.working_folder)
    assert table.stdout.splitlines()[0] == CPU_NOTICE
    assert "qkv_proj" in table.stdout
    csv = wb("attribute", name, "--format", "csv", folder=profiled.working_folder)
    assert csv.stdout.startswith("phase,")
    assert f"wb: {CPU_NOTICE}\n" in csv.stderr
    rule = wb("rules", "explain", name, "numpy_norm", folder=profiled.working_folder)
    assert rule.stdout.startswith(f"{CPU_NOTICE}\n")


def test_a_second_one_on_the_same_day_gets_a_name_of_its_own(profiled: Profiled, tmp_path: Path) -> None:
    for part in ("profiles", "reports"):
        shutil.copytree(profiled.working_folder / part, tmp_path / part)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert _profile(tmp_path).returncode == 0
    assert all(path.read_bytes() == content for path, content in before.items())
    # Midnight may have passed.
    assert len(list((tmp_path / "profiles").iterdir())) == len(list((tmp_path / "reports").glob("*.md"))) == 2


def test_a_folder_of_the_same_name_does_not_stand_for_the_engine(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit(9)")
    # As `python -m workbench` would find it, too, what is tested is the installed command.
    done = subprocess.run(
        [shutil.which("wb", path=str(ROOT / ".venv/bin")) or pytest.skip("wb is not installed"), "profile", "--model",
         "tiny-qwen3", "--workload", "pp=4,tg=2", "--backend", "numpy"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--model", "tiny-qwen3", "--", "true"], "either --model or -- COMMAND"),
        ([], "give --model, or a program last"),
        (["--workload", "W1", "--", "true"], "--workload is for a model"),
        (["--backend", "numpy", "--", "true"], "--backend is for a model"),
        (["--model", "tiny-qwen3", "--delay", "3"], "are for programs"),
        (["--model", "tiny-qwen3", "--graphs", "maybe"], "--graphs maybe is not known; give on, off or both"),
        (["--model", "tiny-qwen3", "--backend", "tpu"], "--backend tpu is not known"),
        (["--model", "tiny-qwen3", "--name", "a/b"], "--name a/b"),
        (["--model", "tiny-qwen3", "--workload", "pp=1"], "pp=1 is no workload"),
        (["--model", "nowhere/model.gguf"], "no model nowhere/model.gguf"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(tmp_path: Path, options: list[str], reason: str) -> None:
    done = wb("profile", *options, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []
