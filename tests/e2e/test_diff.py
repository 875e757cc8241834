import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROFILES
from tests.e2e.command_line import is_one_sentence, wb
from tests.exports import Export
from tests.schemas import check
from tests.unit.compare.loops import loop

EAGER, GRAPH = PROFILES / "hf_qwen3_eager", PROFILES / "hf_qwen3_graph"
ORACLES = Path(__file__).parent.parent / "golden" / "oracles"


def add_captures(folder: Path, *exports: Export) -> Path:
    """A folder of captures."""
    folder.mkdir(parents=True)
    for number, export in enumerate(exports, 1):
        export.write(folder / f"capture-{number}.sqlite")
    return folder


def products(*times_ns: int) -> list[Export]:
    """Loops whose products take so long."""
    return [loop(product_ns=time_ns) for time_ns in times_ns]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A folder with sets of three captures: `before`, and `after`, which is faster."""
    add_captures(tmp_path / "before", *products(100_000, 100_300, 100_100))
    add_captures(tmp_path / "after", *products(80_200, 80_000, 80_100))
    return tmp_path


def test_the_verdict_comes_first(sets: Path) -> None:
    done = wb("diff", "before", "after", folder=sets)
    assert (done.returncode, done.stderr) == (0, "")
    title, verdict, *_ = done.stdout.splitlines()
    assert title.startswith("before -> after")
    assert verdict.startswith("Decode became ")
    assert " faster: a mean step takes " in verdict
    assert "95 % interval" in verdict


def test_a_report_and_its_picture_are_written_and_may_be_replaced_by_their_like(sets: Path) -> None:
    for _ in range(2):
        done = wb("diff", "before", "after", "-o", "diff.md", folder=sets)
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["diff.md", "diff.svg"], "")
    assert "](diff.svg)" in (sets / "diff.md").read_text(encoding="utf-8")
    assert (sets / "diff.svg").read_text(encoding="utf-8").startswith(("<svg", "<?xml", "<!--"))


def test_a_file_of_the_users_is_not_replaced(sets: Path) -> None:
    (sets / "diff.md").write_text("mine", encoding="utf-8")
    done = wb("diff", "before", "after", "-o", "diff.md", folder=sets)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert (sets / "diff.md").read_text(encoding="utf-8") == "mine"
    assert not (sets / "diff.svg").exists()
    assert wb("diff", "before", "after", "-o", "diff.md", "--force", folder=sets).returncode == 0


def test_json_is_what_its_schema_says_and_adds_up(sets: Path) -> None:
    done = wb("diff", "before", "after", "--format", "json", folder=sets)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "diff")
    document = json.loads(done.stdout)
    step = document["step"]
    assert step["significant"]
    low, high = step["interval_ns"]
    assert low < step["delta_ns"] < high < 0
    assert sum(part["delta_ns"] for part in step["contributions"]) + step["residual_ns"] == pytest.approx(
        step["delta_ns"]
    )
    assert document["unpaired"] == []


def test_a_file_named_json_holds_json(sets: Path) -> None:
    assert wb("diff", "before", "after", "-o", "diff.json", folder=sets).returncode == 0
    check((sets / "diff.json").read_text(encoding="utf-8"), "diff")


def test_one_capture_a_side_gives_no_verdict(sets: Path) -> None:
    done = wb("diff", "before/capture-1.sqlite", "after/capture-1.sqlite", "--format", "json", folder=sets)
    document = json.loads(done.stdout)
    assert document["step"]["delta_ns"] < 0
    assert (document["step"]["interval_ns"], document["step"]["significant"]) == (None, None)


def test_a_set_does_not_differ_from_itself(sets: Path) -> None:
    done = wb("diff", "before", "before", folder=sets)
    assert done.stdout.splitlines()[1].startswith("Nothing differs")


def test_folders_of_captures_are_a_set(sets: Path) -> None:
    for name in ("before", "after"):
        for number in (1, 2, 3):
            (sets / f"all-{name}" / str(number)).mkdir(parents=True)
            (sets / name / f"capture-{number}.sqlite").rename(sets / f"all-{name}" / str(number) / "c.sqlite")
    done = wb("diff", "all-before", "all-after", "--format", "json", folder=sets)
    assert len(json.loads(done.stdout)["before"]["captures"]) == 3


def test_graphs_are_refused_unless_they_are_under_test(tmp_path: Path) -> None:
    done = wb("diff", EAGER, GRAPH, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "graphs (off before, on after)" in done.stderr
    assert wb("diff", EAGER, GRAPH, "--vary", "graphs", folder=tmp_path).returncode == 0


def test_a_folder_of_sums_is_a_capture_without_times(tmp_path: Path) -> None:
    done = wb("diff", ORACLES / "hf_qwen3_eager", ORACLES / "hf_qwen3_graph", "--format", "json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "diff")
    document = json.loads(done.stdout)
    assert document["step"] is None
    assert not document["before"]["has_times"]
    assert document["rows"][0]["kernels"]
    assert document["api"]


def csv(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / name).write_text("Time (%),Name\n", encoding="utf-8")
    return folder


def without_steps(folder: Path) -> Path:
    export = Export()
    export.launch("k", 10, 100, 200)
    return export.write(folder / "without.sqlite")


def mixed(folder: Path) -> Path:
    """A set of captures of two models."""
    inner = add_captures(folder / "mixed", loop())
    (inner / "capture-2.sqlite.xz").write_bytes((EAGER / "capture-1.sqlite.xz").read_bytes())
    return inner


BAD: dict[str, Callable[[Path], Path]] = {
    "an empty folder": lambda folder: add_captures(folder / "empty"),
    "nothing at all": lambda folder: folder / "missing",
    "captures of two models": mixed,
    "an unknown table": lambda folder: csv(folder / "tables", "my_sums.csv"),
    "a capture without steps": without_steps,
    "no capture": lambda folder: Path(__file__),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("side", [0, 1])
def test_bad_input_is_one_sentence(tmp_path: Path, bad: str, side: int) -> None:
    good = add_captures(tmp_path / "good", loop())
    sides = [good, good]
    sides[side] = BAD[bad](tmp_path)
    done = wb("diff", *sides, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize(
    "options", [("--vary", "weather"), ("--phase", "load"), ("--phase", "x"), ("-o", "d.md", "--format", "table")]
)
def test_options_that_make_no_sense_are_refused(sets: Path, options: tuple[str, ...]) -> None:
    done = wb("diff", "before", "after", *options, folder=sets)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
