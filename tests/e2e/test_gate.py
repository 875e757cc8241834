"""`wb baseline` and `wb gate`, whole: the engine runs a tiny model on NumPy.

Times of this machine are noise, so a gate of unchanged code may well not be able to judge its speed; what it computes
and takes of memory has no noise.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import is_one_sentence, wb
from tests.schemas import check
from workbench.gate.baseline import Baseline, parse_baseline
from workbench.gate.measured import MeasuredModel, Number

_FEW = ("--processes", "2", "--reps", "1", "--captures", "1", "--cooldown", "0")
_FEWEST = ("--processes", "1", "--reps", "1", "--captures", "0", "--cooldown", "0")


@dataclass(frozen=True)
class Recorded:
    """What came of `wb baseline record`."""

    done: subprocess.CompletedProcess[str]
    file: Path

    @property
    def baseline(self) -> Baseline:
        return parse_baseline(self.file.read_text(encoding="utf-8"), "b.json", datetime.now(UTC))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("baseline")
    done = wb(
        "baseline", "record", "--model", "tiny-qwen3", "--backend", "numpy", "--workload", "pp=16,tg=8", *_FEW,
        folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = (folder / "baselines").iterdir()
    return Recorded(done, file)


@pytest.fixture(scope="module")
def unchanged(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which an unchanged gate was run."""
    folder = tmp_path_factory.mktemp("unchanged")
    wb(
        "gate", recorded.file, *_FEW, "-o", "gate.json", "--summary",
        folder=folder, GITHUB_STEP_SUMMARY=str(folder / "summary.md"),
    )  # fmt: skip
    return folder


def only(recorded: Recorded) -> MeasuredModel:
    (model,) = recorded.baseline.models
    return model


def ten_times_as_fast(number: Number) -> Number:
    return replace(number, samples_ns=tuple(tuple(at // 10 for at in times) for times in number.samples_ns))


def write(path: Path, *models: MeasuredModel, created_utc: str = "2026-01-01T00:00:00Z") -> Path:
    path.write_text(Baseline(created_utc, models).to_json(), encoding="utf-8")
    return path


def gates(document: dict[str, Any]) -> dict[str, str]:
    """What each gate of the one model said."""
    (model,) = document["models"]
    return {gate["gate"]: gate["status"] for gate in model["gates"]}


def test_what_was_measured_is_kept_and_shown(recorded: Recorded) -> None:
    assert recorded.file.name.startswith("tiny-qwen3-fp32-cpu-numpy-reference-20")
    assert recorded.done.stdout.splitlines()[-1] == f"baselines/{recorded.file.name}"
    check(recorded.file.read_text(encoding="utf-8"), "baseline")
    model = only(recorded)
    assert [number.name for number in model.numbers] == ["prefill.128", "prefill.512", "prefill.4096", "decode.128"]
    assert all([len(times) for times in number.samples_ns] == [1, 1] for number in model.numbers)
    (facts,) = model.captures
    assert (facts.steps, facts.graphs) == (8, False)
    assert {part.label for part in facts.parts} >= {"attention", "mlp", "norm", "lm_head"}
    assert model.results.tokens_sha256
    assert model.memory
    assert model.fingerprint.gpu == "CPU (NumPy reference)"
    shown = wb("baseline", "show", recorded.file, folder=recorded.file.parent)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[0] == "tiny-qwen3"
    assert "prefill.4096" in shown.stdout
    assert shown.stdout.strip() in recorded.done.stdout


def test_unchanged_code_computes_the_same_in_the_same_memory(unchanged: Path) -> None:
    text = (unchanged / "gate.json").read_text(encoding="utf-8")
    check(text, "gate")
    document = json.loads(text)
    found = gates(document)
    assert {found[gate] for gate in ("comparable", "memory", "results")} == {"passed"}
    assert {found[gate] for gate in ("graphs", "steady_state", "probe")} == {"not_run"}
    assert f"**{document['verdict']}**" == (unchanged / "summary.md").read_text(encoding="utf-8").splitlines()[0]


def test_a_loss_fails_and_says_so_first(recorded: Recorded, tmp_path: Path) -> None:
    write(tmp_path / "b.json", replace(only(recorded), numbers=tuple(map(ten_times_as_fast, only(recorded).numbers))))
    done = wb("gate", "b.json", *_FEW, "--captures", "0", "-o", "gate.json", folder=tmp_path)
    document = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    assert (done.returncode, document["status"], document["exit_code"]) == (1, "failed", 1)
    first = done.stdout.splitlines()[0]
    assert first.startswith("Failed: speed of tiny-qwen3, held against b.json. ")
    assert "slower by more than noise and 1 %" in first
    assert first == document["verdict"]
    assert "prefill.4096" in done.stdout.split("Against b.json", 1)[1]
    found = gates(document)
    assert {found["memory"], found["results"]} == {"passed"}
    assert found["layers"] == "undecided"


def test_a_renewed_baseline_tells_gains_from_losses(recorded: Recorded, tmp_path: Path) -> None:
    slower = [
        replace(number, samples_ns=tuple(tuple(at * 99 for at in times) for times in number.samples_ns))
        for number in only(recorded).numbers
    ]
    file = write(tmp_path / "b.json", replace(only(recorded), numbers=tuple(slower)))
    before = file.read_bytes()
    done = wb("baseline", "refresh", "b.json", "--yes", *_FEWEST, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() != before
    assert "improved" in done.stdout.splitlines()[0]
    assert "worse" not in done.stdout
    assert all(name in done.stdout for name in ("prefill.128", "decode.128", "peak"))


def test_nothing_is_written_over(recorded: Recorded) -> None:
    arguments = ("baseline", "record", "--model", "tiny-qwen3", "-o", recorded.file)
    done = wb(*arguments, folder=recorded.file.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)


def test_two_baselines_are_compared_number_by_number(recorded: Recorded, tmp_path: Path) -> None:
    write(tmp_path / "new.json", replace(only(recorded), numbers=tuple(map(ten_times_as_fast, only(recorded).numbers))))
    same = wb("baseline", "diff", recorded.file, recorded.file, folder=tmp_path)
    assert same.returncode == 0
    assert same.stdout.splitlines()[0] == "tiny-qwen3: no number differs by more than noise."
    faster = wb("baseline", "diff", recorded.file, "new.json", folder=tmp_path)
    assert faster.returncode == 0
    assert "improved" in faster.stdout.splitlines()[0]
    elsewhere = replace(only(recorded), fingerprint=replace(only(recorded).fingerprint, gpu="another"))
    write(tmp_path / "other.json", elsewhere)
    refused = wb("baseline", "diff", recorded.file, "other.json", folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert is_one_sentence(refused.stderr)
    assert "GPU" in refused.stderr


def test_the_published_table_has_a_row_a_model_and_marks_what_is_stale(recorded: Recorded, tmp_path: Path) -> None:
    first = subprocess.run(
        ["git", "rev-list", "--max-parents=0", "HEAD"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    if not first:
        pytest.skip("the tests run outside the repository")
    old = replace(only(recorded), fingerprint=replace(only(recorded).fingerprint, commit=first[0]))
    strange = replace(only(recorded), fingerprint=replace(only(recorded).fingerprint, commit="f" * 40))
    files = [recorded.file, write(tmp_path / "old.json", old), write(tmp_path / "strange.json", strange)]
    for _ in range(2):
        done = wb("baseline", "table", *files, "-o", "TABLE.md", folder=tmp_path)
        assert (done.returncode, done.stdout) == (0, "TABLE.md\n")
    heading, _, *rows = [
        line for line in (tmp_path / "TABLE.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    assert all(name in heading for name in ("prefill 4096", "decode 128", "date", "commit", "driver", "processes"))
    assert ["stale" in row for row in rows] == [False, True, False]
    assert "unknown" in rows[2]
    (tmp_path / "mine.md").write_text("mine", encoding="utf-8")
    assert wb("baseline", "table", *files, "-o", "mine.md", folder=tmp_path).returncode == 2


def test_baselines_of_other_programs_are_imported(tmp_path: Path) -> None:
    speeds = {"metrics": {"prefill_tps": {"pp512": 22545.0}, "decode_tps": {"tg128": 410.0}}}
    (tmp_path / "theirs.json").write_text(json.dumps({**speeds, "model": "Qwen3-4B"}), encoding="utf-8")
    done = wb("baseline", "import", "theirs.json", "-o", "ours.json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = wb("baseline", "show", "ours.json", folder=tmp_path)
    assert "410" in shown.stdout
    slow = {"models": {"Qwen3-4B-Q8_0.gguf": {"pp512": 22545.0, "tg256": 0.0024}}}
    (tmp_path / "wrong.json").write_text(json.dumps(slow), encoding="utf-8")
    refused = wb("baseline", "import", "wrong.json", "-o", "w.json", folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert is_one_sentence(refused.stderr)
    assert not (tmp_path / "w.json").exists()


def _edited(recorded: Recorded, path: Path) -> None:
    document = json.loads(recorded.file.read_text(encoding="utf-8"))
    document["models"][0]["numbers"][0]["samples_ns"][0][0] += 1
    path.write_text(json.dumps(document), encoding="utf-8")


def _of_another_schema(recorded: Recorded, path: Path) -> None:
    document = json.loads(recorded.file.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "schema": "wb.baseline/2"}), encoding="utf-8")


def _from_the_future(recorded: Recorded, path: Path) -> None:
    write(path, *recorded.baseline.models, created_utc=f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}")


def _of_a_missing_model(recorded: Recorded, path: Path) -> None:
    model = only(recorded)
    write(path, replace(model, request=replace(model.request, model="nowhere/model.gguf")))


BAD: dict[str, Callable[[Recorded, Path], object]] = {
    "missing": lambda _, path: None,
    "empty": lambda _, path: path.write_text(""),
    "a folder": lambda _, path: path.mkdir(),
    "no JSON": lambda _, path: path.write_text("no"),
    "cut": lambda recorded, path: path.write_bytes(recorded.file.read_bytes()[:-99]),
    "of another schema": _of_another_schema,
    "edited": _edited,
    "from the future": _from_the_future,
    "of a missing model": _of_a_missing_model,
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_baselines_are_one_sentence(recorded: Recorded, tmp_path: Path, bad: str) -> None:
    BAD[bad](recorded, tmp_path / "b.json")
    commands = [("gate", "b.json", *_FEWEST)]
    if bad != "of a missing model":
        commands += [("baseline", "show", "b.json"), ("baseline", "table", "b.json")]
    for command in commands:
        done = wb(*command, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert is_one_sentence(done.stderr), done.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--tolerance", "1"), "--tolerance 1 is no share"),
        (("--tolerance", "much"), "--tolerance much is no share"),
        (("--processes", "0"), "--processes 0 makes no sense"),
        (("--captures", "-1"), "--captures -1 makes no sense"),
        (("--logits-distance", "nan"), "--logits-distance nan makes no sense"),
        (("--model", "elsewhere/model.gguf"), "no model elsewhere/model.gguf"),
        (("--variant", "no-thing"), "no variant no-thing"),
        (("--probe", "nowhere.gguf"), "nowhere.gguf: no such file"),
        (("--commits", "HEAD"), "is no range"),
        (("-o", "."), "is a folder"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    recorded: Recorded, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    done = wb("gate", recorded.file, *options, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr), done.stderr
    assert reason in done.stderr


def test_a_baseline_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite").write_text("# nothing yet\n", encoding="utf-8")
    for options in ((), ("--suite", "suite"), ("--model", "nothing"), ("--suite", "missing")):
        done = wb("baseline", "record", *options, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert is_one_sentence(done.stderr), done.stderr
    assert not (tmp_path / "baselines").exists()
