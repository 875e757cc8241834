import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROFILES, capture_path
from tests.e2e.command_line import is_one_sentence, wb
from tests.exports import Export
from tests.schemas import check
from tests.unit.compare.loops import loop
from tests.unit.report.rendered import code_blocks
from workbench.calibration_file import read_calibration
from workbench.manifest import Manifest, Program

EAGER, GRAPH = PROFILES / "hf_qwen3_eager", PROFILES / "hf_qwen3_graph"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def add_captures(folder: Path, *exports: Export) -> Path:
    """A folder of captures."""
    folder.mkdir()
    for number, export in enumerate(exports, 1):
        export.write(folder / f"capture-{number}.sqlite")
    return folder


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    """A folder with findings of a loop of memsets (`findings.json`), and captures of one without (`after`)."""
    add_captures(tmp_path / "before", loop(memsets=2), loop(memsets=2, product_ns=100_100))
    add_captures(tmp_path / "after", loop(), loop(product_ns=100_100))
    done = wb("findings", "before/capture-1.sqlite", "-o", "findings.json", folder=tmp_path)
    assert done.returncode == 0
    return tmp_path


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The findings of a real eager loop."""
    folder = tmp_path_factory.mktemp("eager")
    assert wb("findings", EAGER, "-o", "findings.json", folder=folder).returncode == 0
    return folder / "findings.json"


def test_a_real_loop_in_graphs_is_held_against_its_eager_findings(eager: Path, tmp_path: Path) -> None:
    done = wb("verify", eager, GRAPH, "--vary", "graphs", "--format", "json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "verify")
    document = json.loads(done.stdout)
    findings = {one["detector"]: one for one in document["findings"] if one["phase"] == "decode"}
    for detector in ("decode_without_graphs", "launch_bound"):
        assert findings[detector]["target"]["state"] == "met"
        assert findings[detector]["realised"]["verdict"] == "came_true"
    assert findings["unfused_roles"]["realised"] is None
    (decode,) = (phase for phase in document["phases"] if phase["phase"] == "decode")
    assert decode["median_step"]["delta_ns"] == pytest.approx(-51.0e6, rel=0.01)
    launches = next(part for part in decode["parts"] if part["label"] == "launch_starved")
    assert launches["after_ns"] == 0
    assert "step.in_graph_ns" in {one["target"]["text"].split(" ")[0] for one in document["new"]}
    assert names(tmp_path / "profiles") == ["calibration.jsonl"]


def test_what_was_not_declared_is_refused(eager: Path, tmp_path: Path) -> None:
    done = wb("verify", eager, GRAPH, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "graphs (off before, on after)" in done.stderr
    assert "--vary graphs" in done.stderr
    assert names(tmp_path) == []


def test_the_verdict_comes_first(loops: Path) -> None:
    done = wb("verify", "findings.json", "after", folder=loops, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "capture-1.sqlite -> after (commit under test)",
        "The one finding came true: decode takes 151 µs instead of 157 µs a step.",
    ]
    assert max(map(len, lines)) <= 80


def test_a_report_is_written_and_written_again(loops: Path) -> None:
    for _ in range(2):
        done = wb("verify", "findings.json", "after", "-o", "reports/nsys_findings_after.md", folder=loops)
        assert (done.returncode, done.stdout, done.stderr) == (0, "reports/nsys_findings_after.md\n", "")
    markdown = (loops / "reports/nsys_findings_after.md").read_text(encoding="utf-8")
    assert markdown.startswith("# Findings, after: capture-1.sqlite -\\> after (commit under test)\n")
    done = wb("verify", "findings.json", "after", "-o", "after.json", folder=loops)
    assert done.returncode == 0
    check((loops / "after.json").read_text(encoding="utf-8"), "verify")


def test_the_command_to_reproduce_a_report_reproduces_it(loops: Path) -> None:
    (loops / "own.yaml").write_text("")
    options = ("--before", "before", "--rules", "own.yaml", "--calibration", "none")
    wb("verify", "findings.json", "after", *options, "-o", "report.md", folder=loops)
    markdown = (loops / "report.md").read_text(encoding="utf-8")
    (command,) = code_blocks(markdown, "sh")
    assert wb(*shlex.split(command)[1:], folder=loops).returncode == 0
    assert (loops / "FINDINGS_AFTER.md").read_text(encoding="utf-8") == markdown


def test_no_folder_of_the_users_stands_in_a_report(loops: Path) -> None:
    (loops / "own.yaml").write_text("")
    paths = (loops / "findings.json", loops / "after", "--before", loops / "before", "--rules", loops / "own.yaml")
    done = wb("verify", *paths, "--calibration", loops / "c.jsonl", "--format", "markdown", folder=loops)
    assert done.returncode == 0
    assert str(loops) not in done.stdout
    assert str(loops) not in (loops / "c.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["theirs.md", "theirs.json"])
def test_nothing_of_the_users_is_replaced_unasked(loops: Path, name: str) -> None:
    (loops / name).write_text("theirs")
    done = wb("verify", "findings.json", "after", "-o", name, folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert (loops / name).read_text() == "theirs"
    assert not (loops / "profiles").exists()
    assert wb("verify", "findings.json", "after", "-o", name, "--force", folder=loops).returncode == 0
    assert (loops / name).read_text(encoding="utf-8") != "theirs"


def test_the_report_is_not_written_over_the_findings(loops: Path) -> None:
    before = (loops / "findings.json").read_bytes()
    done = wb("verify", "findings.json", "after", "-o", "findings.json", folder=loops)
    assert done.returncode == 2
    assert (loops / "findings.json").read_bytes() == before


def test_outcomes_are_kept_once(loops: Path) -> None:
    first = wb("verify", "findings.json", "after", folder=loops).stdout
    kept = (loops / "profiles/calibration.jsonl").read_bytes()
    again = wb("verify", "findings.json", "after", folder=loops).stdout
    assert "1 outcome was added to profiles/calibration.jsonl." in first
    assert "Of 1 outcome none is new: nothing was added to profiles/calibration.jsonl." in again
    assert "memsets in steps were realised at 1.0 times (n = 1, alone, on Test GPU)." in " ".join(again.split())
    assert (loops / "profiles/calibration.jsonl").read_bytes() == kept
    (outcome,) = read_calibration(loops / "profiles/calibration.jsonl")
    check(kept.decode(), "calibration")
    assert (outcome.before, outcome.after, outcome.detector) == ("capture-1.sqlite", "after", "memsets_in_steps")
    assert (outcome.is_met, outcome.realised_ns, outcome.step_before_ns) == (True, 5_950, 157_000)


def test_verifying_again_by_more_captures_counts_as_the_last_time(loops: Path) -> None:
    wb("verify", "findings.json", "after/capture-1.sqlite", folder=loops)
    both = wb("verify", "findings.json", "after", folder=loops).stdout
    assert "1 outcome was added to profiles/calibration.jsonl." in both
    assert "(n = 1, alone, on Test GPU)" in " ".join(both.split())
    assert [len(one.captures) for one in read_calibration(loops / "profiles/calibration.jsonl")] == [1, 2]


def test_loops_in_folders_of_the_same_names_are_both_kept(loops: Path) -> None:
    other = loops / "other"
    other.mkdir()
    add_captures(other / "before", loop(memsets=3))
    add_captures(other / "after", loop(product_ns=99_900))
    wb("findings", "other/before/capture-1.sqlite", "-o", "other.json", folder=loops)
    for findings, after in (("findings.json", "after"), ("other.json", "other/after/capture-1.sqlite")):
        told = wb("verify", findings, after, "--calibration", "c.jsonl", folder=loops).stdout
        assert "1 outcome was added to c.jsonl." in told
    assert len(read_calibration(loops / "c.jsonl")) == 2


def test_what_cannot_be_written_is_not_kept(loops: Path) -> None:
    (loops / "file").write_text("")
    done = wb("verify", "findings.json", "after", "-o", "file/report.md", folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert not (loops / "profiles").exists()


def test_no_outcome_is_kept_where_none_is_wanted(loops: Path) -> None:
    before = names(loops)
    done = wb("verify", "findings.json", "after", "--calibration", "none", folder=loops)
    assert "No outcome was kept." in done.stdout
    assert names(loops) == before


def test_a_calibration_file_that_is_none_is_refused_before_anything_is_written(loops: Path) -> None:
    (loops / "theirs.txt").write_text("notes")
    done = wb("verify", "findings.json", "after", "--calibration", "theirs.txt", "-o", "report.md", folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "line 1 of theirs.txt is malformed" in done.stderr
    assert (loops / "theirs.txt").read_text() == "notes"
    assert not (loops / "report.md").exists()


def test_captures_of_before_tell_noise(loops: Path) -> None:
    done = wb("verify", "findings.json", "after", "--before", "before", "--format", "json", folder=loops)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "verify")
    document = json.loads(done.stdout)
    assert document["before"]["captures"] == ["before/capture-1.sqlite", "before/capture-2.sqlite"]
    (finding,) = document["findings"]
    assert finding["realised"]["gain_ns"] == 6_000
    low, high = finding["realised"]["interval_ns"]
    assert 5_600 < low < 6_000 < high < 6_400
    (phase,) = document["phases"]
    assert (phase["before_steps"], phase["parts_of"]) == ([8, 8], "median_step")
    assert phase["median_step"]["significant"] is True


def test_the_report_says_whether_results_are_the_same(tmp_path: Path) -> None:
    def told(tokens: str, memsets: int, name: str) -> None:
        folder = add_captures(tmp_path / name, loop(memsets))
        results = {"tokens_sha256": tokens * 64, "tokens": [1, 2], "logits": {"sha256": "c" * 64}}
        workload: dict[str, Any] = {"model": "tiny", "results": results}
        manifest = Manifest("2026-01-02T03:04:05Z", Program(("run",)), workload, None, None, None, None, ())
        document = json.loads(manifest.to_json())
        document["captures"] = [
            {
                "file": "capture-1.sqlite",
                "sha256": "ab" * 32,
                "size_bytes": 1,
                "repetition": 1,
                "exit_code": 0,
                "duration_s": 1.0,
                "interrupted": False,
            }
        ]
        (folder / "manifest.json").write_text(json.dumps(document))

    told("a", 2, "before")
    told("a", 0, "same")
    told("b", 0, "other")
    wb("findings", "before", "-o", "findings.json", folder=tmp_path)
    same = wb("verify", "findings.json", "same", folder=tmp_path).stdout.splitlines()
    other = wb("verify", "findings.json", "other", folder=tmp_path).stdout.splitlines()
    assert same[0] == "before/capture-1.sqlite -> same/capture-1.sqlite (commit under test)"
    assert same[2] == "Both sides computed the same tokens from the same logits."
    assert other[2].startswith("The sides computed different tokens")


def mixed(folder: Path) -> None:
    """A folder of captures of two models."""
    for number, model in enumerate(("one", "two")):
        inner = add_captures(folder / model, loop(product_ns=100_000 + number))
        entry = {"file": "capture-1.sqlite", "sha256": "ab" * 32, "size_bytes": 1, "repetition": 1, "exit_code": 0}
        manifest = Manifest("2026-01-02T03:04:05Z", Program(()), {"model": model}, None, None, None, None, ())
        document = json.loads(manifest.to_json())
        document["captures"] = [{**entry, "duration_s": 1.0, "interrupted": False}]
        (inner / "manifest.json").write_text(json.dumps(document))


def _empty(folder: Path) -> None:
    (folder / "set").mkdir()


def _mixed(folder: Path) -> None:
    (folder / "set").mkdir()
    mixed(folder / "set")


def _without_steps(folder: Path) -> None:
    export = Export()
    export.launch("gemv", 0, 10, 20)
    add_captures(folder / "set", export)


def _tables(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "cuda_gpu_kern_sum.csv").write_text(
        "Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name\n"
        "100.0,100,1,100.0,100.0,100,100,0.0,gemv\n"
    )


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_empty, "set holds no capture"),
        (_mixed, "do not belong in one set, for they differ in model (one, two)"),
        (_without_steps, "set/capture-1.sqlite has no steps"),
        (_tables, "set holds tables of sums, which tell no steps"),
        (lambda folder: None, "set: no such file"),
    ],
)
def test_a_set_that_tells_nothing_is_one_sentence(loops: Path, make: Callable[[Path], None], problem: str) -> None:
    make(loops)
    done = wb("verify", "findings.json", "set", folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert problem in done.stderr
    assert not (loops / "profiles").exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"schema": "wb.attribution/1"}', "is no findings report of schema wb.findings/1"),
        (b'{"schema": "wb.findings/1"}', "is malformed: capture is missing"),
        (b"# Findings: a report in Markdown", "is no JSON document"),
        (b"SQLite format 3\x00\xff\xfe", "is no JSON document"),
        (b"", "is no JSON document"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_what_is_no_findings_report_is_one_sentence(loops: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        (loops / "odd.json").write_bytes(content)
    done = wb("verify", "odd.json", "after", folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert problem in done.stderr


def test_a_findings_report_is_no_file_of_gigabytes(loops: Path) -> None:
    with (loops / "odd.json").open("wb") as file:
        file.truncate(3 << 30)
    done = wb("verify", "odd.json", "after", folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no findings report (it is larger than 64 MiB)" in done.stderr


def test_captures_of_something_else_are_no_before(loops: Path) -> None:
    done = wb("verify", "findings.json", "after", "--before", GRAPH, folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "is not what the earlier report is about" in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--vary", "weather"], "--vary weather is no factor"),
        (["--format", "table", "-o", "x.md"], "--format table cannot be written to a file"),
        (["--format", "html"], "--format html is not known; give table, markdown or json"),
    ],
)
def test_odd_options_are_one_sentence(loops: Path, options: list[str], problem: str) -> None:
    done = wb("verify", "findings.json", "after", *options, folder=loops)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert problem in done.stderr


def test_a_cpus_times_say_so_first_and_are_no_outcome(tmp_path: Path) -> None:
    for name, product_ns in (("before", 100_000), ("after", 90_000)):
        export = loop(product_ns=product_ns)
        export.recorder = "engine-cpu"
        export.write(tmp_path / f"{name}.sqlite")
    wb("findings", "before.sqlite", "-o", "findings.json", folder=tmp_path)
    done = wb("verify", "findings.json", "after.sqlite", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("CPU times of the NumPy reference")
    assert not (tmp_path / "profiles").exists()


def test_a_capture_is_no_sample_twice(tmp_path: Path, eager: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("a", "b"):
        (tmp_path / "set" / f"{name}.sqlite.xz").write_bytes(capture_path("hf_qwen3_graph").read_bytes())
    done = wb("verify", eager, "set", "--vary", "graphs", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
