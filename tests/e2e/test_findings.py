import json
import resource
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import PROFILES, capture_path
from tests.e2e.captures import unpacked
from tests.e2e.command_line import WB, environment, is_one_sentence, wb
from tests.exports import Export
from tests.schemas import check
from tests.unit.findings.test_calibration import an_outcome
from tests.unit.report.rendered import code_blocks, pictures
from workbench.calibration_file import append_calibration

ENGINE = capture_path("engine_style")
CUPY = capture_path("cupy_nodes")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_a_file_it_is_read_in_the_terminal(tmp_path: Path) -> None:
    done = wb("findings", CUPY, folder=tmp_path, COLUMNS="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "All findings" in done.stdout
    assert "…" not in done.stdout
    assert names(tmp_path) == []
    narrow = wb("findings", CUPY, folder=tmp_path, COLUMNS="80").stdout.splitlines()
    assert max(map(len, narrow)) <= 80


def test_json_is_of_its_schema(tmp_path: Path) -> None:
    done = wb("findings", CUPY, "--format", "json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "findings")


def test_markdown_can_be_printed_too(tmp_path: Path) -> None:
    done = wb("findings", CUPY, "--format", "markdown", folder=tmp_path)
    assert done.stdout.startswith(f"# Findings: {CUPY.name} (a small CuPy program)\n")
    assert pictures(done.stdout) == []


@pytest.mark.parametrize("name", ["report.md", "my report (2).md", "größe.md", "no_suffix"])
def test_a_report_lies_beside_its_picture_and_links_to_it(tmp_path: Path, name: str) -> None:
    done = wb("findings", CUPY, "-o", f"out/{name}", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    picture, sql = Path(name).stem + ".svg", Path(name).stem + ".sql"
    assert done.stdout.splitlines() == [f"out/{name}", f"out/{picture}", f"out/{sql}"]
    assert names(tmp_path / "out") == sorted([name, picture, sql])
    markdown = (tmp_path / "out" / name).read_text(encoding="utf-8")
    assert [unquote(target) for target in pictures(markdown)] == [picture]
    ET.fromstring((tmp_path / "out" / picture).read_text(encoding="utf-8"))


def test_a_capture_without_steps_has_no_picture_and_without_findings_no_sql(tmp_path: Path) -> None:
    export = Export()
    export.launch("k", 0, 10, 20)
    export.write(tmp_path / "capture.sqlite")
    done = wb("findings", "capture.sqlite", "-o", "report.md", folder=tmp_path)
    assert done.stdout.splitlines() == ["report.md"]
    assert pictures((tmp_path / "report.md").read_text(encoding="utf-8")) == []
    assert names(tmp_path) == ["capture.sqlite", "report.md"]


def nothing_to_find(folder: Path) -> Path:
    """Two steps of one kernel each: something to draw, and nothing to say."""
    export = Export()
    for begin_ns in (0, 10_000):
        export.range("decode", begin_ns, begin_ns + 500)
        export.launch("k", begin_ns + 100, begin_ns + 200, begin_ns + 9_900)
    return export.write(folder / "capture.sqlite")


def test_what_an_earlier_report_left_is_removed_with_a_word(tmp_path: Path) -> None:
    wb("findings", CUPY, "-o", "report.md", folder=tmp_path)
    assert names(tmp_path) == ["report.md", "report.sql", "report.svg"]
    capture = nothing_to_find(tmp_path)
    done = wb("findings", capture, "-o", "report.md", folder=tmp_path)
    assert done.stdout.splitlines() == ["report.md", "report.svg"]
    assert done.stderr == "wb: removed report.sql, which an earlier report had and this one has not\n"
    assert names(tmp_path) == [capture.name, "report.md", "report.svg"]


def test_what_the_user_put_beside_a_report_stays(tmp_path: Path) -> None:
    (tmp_path / "report.sql").write_text("SELECT 1;")
    done = wb("findings", nothing_to_find(tmp_path), "-o", "report.md", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "report.sql").read_text() == "SELECT 1;"


def test_the_commands_to_reproduce_a_report_reproduce_it(tmp_path: Path) -> None:
    shutil.copytree(CUPY.parent, tmp_path / "profiles" / "my run")
    (tmp_path / "own.yaml").write_text("kernels: [{kernel: fill, layer_type: filling, anywhere: true}]")
    wb("findings", "profiles/my run", "--rules", "own.yaml", "-o", "report.md", folder=tmp_path)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert markdown.startswith("# Findings: my run/capture-1.sqlite.xz (a small CuPy program)\n")
    (commands,) = code_blocks(markdown, "sh")
    for command in commands.splitlines():
        done = wb(*shlex.split(command)[1:], folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    again = (tmp_path / "FINDINGS.md").read_text(encoding="utf-8")
    assert again == markdown.replace("report.", "FINDINGS.")


def test_no_folder_of_the_users_stands_in_a_report(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("")
    capture = shutil.copytree(CUPY.parent, tmp_path / "run")
    wb("findings", capture, "--rules", tmp_path / "own.yaml", "-o", "report.md", folder=tmp_path)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in markdown
    assert "wb findings run --rules own.yaml -o FINDINGS.md\n" in markdown


def test_of_a_folder_with_several_captures_the_report_says_which_it_is_about(tmp_path: Path) -> None:
    done = wb("findings", PROFILES / "transformers_graph", "--format", "markdown", folder=tmp_path)
    assert is_one_sentence(done.stderr)
    assert "| transformers_graph/capture-1.sqlite.zst, capture 1 of 3, recorded " in done.stdout


def test_a_file_that_ends_in_json_holds_json(tmp_path: Path) -> None:
    assert wb("findings", CUPY, "-o", "report.json", folder=tmp_path).stdout == "report.json\n"
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    check(text, "findings")
    assert wb("findings", CUPY, "--format", "json", folder=tmp_path).stdout == text
    assert names(tmp_path) == ["report.json"]


@pytest.mark.parametrize("name", ["report.md", "report.json"])
def test_its_own_reports_are_written_again(tmp_path: Path, name: str) -> None:
    for capture in (ENGINE, CUPY):
        assert wb("findings", capture, "-o", name, folder=tmp_path).returncode == 0
    again = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).unlink()
    wb("findings", CUPY, "-o", name, "--force", folder=tmp_path)
    assert (tmp_path / name).read_text(encoding="utf-8") == again


@pytest.mark.parametrize(
    ("theirs", "option"),
    [("report.md", "report.md"), ("report.svg", "report.md"), ("report.sql", "report.md"), ("r.json", "r.json")],
)
def test_nothing_of_the_users_is_replaced_unasked(tmp_path: Path, theirs: str, option: str) -> None:
    (tmp_path / theirs).write_text("theirs")
    done = wb("findings", CUPY, "-o", option, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert f"{theirs} exists and was not written by this command; give another name, or --force" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {theirs: "theirs"}
    assert wb("findings", CUPY, "-o", option, "--force", folder=tmp_path).returncode == 0
    assert (tmp_path / theirs).read_text(encoding="utf-8") != "theirs"


def test_a_report_is_not_written_over_its_capture(tmp_path: Path) -> None:
    capture = unpacked("engine_style", tmp_path)
    before = capture.read_bytes()
    done = wb("findings", capture, "-o", capture, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert capture.read_bytes() == before
    assert names(tmp_path) == [capture.name]


def test_where_the_disk_is_full_nothing_is_left(tmp_path: Path) -> None:
    """No file may grow beyond 4000 bytes: the picture would fit, the report does not."""
    unpacked("cupy_nodes", tmp_path)
    (tmp_path / "report.md").write_text("<!-- written by wb findings -->\nof yesterday")
    done = subprocess.run(
        [*WB, "findings", "cupy_nodes.sqlite", "-o", "report.md"],
        cwd=tmp_path,
        env=environment(WB_CACHE_BYTES="0"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert names(tmp_path) == ["cupy_nodes.sqlite", "report.md"]
    assert (tmp_path / "report.md").read_text().endswith("of yesterday")


def test_rules_of_the_user_win(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("layers: [{range: qkv_proj, layer_type: mine}]")
    done = wb("findings", ENGINE, "--rules", "own.yaml", "--format", "json", folder=tmp_path)
    labels = {part["label"] for step in json.loads(done.stdout)["median_steps"] for part in step["parts"]}
    assert {"mine", "mlp"} <= labels


def test_a_capture_at_graph_level_is_read_with_a_warning(tmp_path: Path) -> None:
    done = wb("findings", capture_path("cupy_graph_level"), folder=tmp_path)
    assert done.returncode == 0
    assert is_one_sentence(done.stderr)
    assert "F1  " in done.stdout
    assert "graph launches hide their kernels" in done.stdout


def test_with_and_without_the_cache_the_report_is_the_same(tmp_path: Path) -> None:
    reports = []
    for variables in (
        {"WB_CACHE_DIR": str(tmp_path / "cache")},
        {"WB_CACHE_DIR": str(tmp_path / "cache")},
        {"WB_CACHE_BYTES": "0"},
    ):
        wb("findings", CUPY, "-o", "report.md", folder=tmp_path, **variables)
        reports.append([(tmp_path / f"report.{suffix}").read_bytes() for suffix in ("md", "svg")])
    assert reports[0] == reports[1] == reports[2]


EAGER = PROFILES / "hf_qwen3_eager"
OFF, ON = (PROFILES / f"qwen3-4b-pp256-tg48-graphs-{way}-2026-11-21" for way in ("off", "on"))


def test_with_a_counterpart_findings_predict_for_both_modes_of_graphs(tmp_path: Path) -> None:
    alone = {}
    for capture in (OFF, ON):
        report = json.loads(wb("findings", capture, "--format", "json", folder=tmp_path).stdout)
        alone[capture] = {
            (found["detector"], found["phase"], found["target"]["subject"], str(found["target"]["names"])): found
            for found in report["findings"]
        }
    for one, other, mode in ((OFF, ON, "on"), (ON, OFF, "off")):
        done = wb("findings", one, "--counterpart", other, "--format", "json", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        check(done.stdout, "findings")
        found = json.loads(done.stdout)["findings"]
        assert [entry["id"] for entry in found] == [entry["id"] for entry in alone[one].values()]
        for entry, (place, before) in zip(found, alone[one].items(), strict=True):
            beside = entry.pop("counterpart")
            assert before == {**entry, "counterpart": None}
            assert beside["graphs"] == mode
            assert beside["gain"] == (alone[other][place]["gain"] if place in alone[other] else None)


@pytest.mark.parametrize(
    ("capture", "counterpart", "reason"),
    [
        (ON, ON, "both ran with CUDA graphs"),
        (OFF, EAGER, "both ran without CUDA graphs"),
        (ON, EAGER, "for they differ in "),
        (ON, PROFILES / "nothing", "no such file"),
    ],
)
def test_what_is_no_counterpart_is_refused(tmp_path: Path, capture: Path, counterpart: Path, reason: str) -> None:
    done = wb("findings", capture, "--counterpart", counterpart, "-o", "report.md", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert reason in done.stderr
    assert names(tmp_path) == []


def test_earlier_predictions_are_quoted_from_the_folders_file_or_another(tmp_path: Path) -> None:
    append_calibration(tmp_path / "profiles/calibration.jsonl", [an_outcome(detector="launch_bound", gpu=None)])
    append_calibration(tmp_path / "mine.jsonl", [an_outcome(detector="launch_bound", gpu=None, realised_ns=100)])
    quoted = "predictions of this detector were realised at {} times (n = 1, alone)"
    for options, ratio in (((), "0.8"), (("--calibration", "mine.jsonl"), "0.5"), (("--calibration", "none"), "")):
        text = wb("findings", EAGER, *options, "--format", "markdown", folder=tmp_path).stdout
        assert (quoted.format(ratio) in text) == bool(ratio)
        assert ("realised" in text) == bool(ratio)
        (commands,) = code_blocks(text, "sh")
        assert shlex.join(options) in commands.splitlines()[0]


def test_a_damaged_calibration_file_is_refused_and_can_be_done_without(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/calibration.jsonl").write_text("{}\n")
    done = wb("findings", CUPY, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "line 1 of profiles/calibration.jsonl is malformed" in done.stderr
    assert wb("findings", CUPY, "--calibration", "none", folder=tmp_path).returncode == 0
