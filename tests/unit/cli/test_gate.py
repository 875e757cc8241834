import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from tests.unit.gate.measured_models import CONDITIONS, measured
from workbench.cli import baseline as verbs
from workbench.cli import baseline_runs, gate_runs
from workbench.cli.baseline_files import read_baseline, write_baseline
from workbench.cli.gate import gate, share_of
from workbench.errors import UserError
from workbench.gate.measured import Request
from workbench.gate.verdict import GateReport, GateResult, ModelVerdict, Status

PASSED = GateReport("b.json", 0.01, (ModelVerdict("m", (GateResult("memory", Status.PASSED, "It fits."),)),))


@pytest.mark.parametrize(
    ("text", "share"), [("1%", 0.01), ("0.5 %", 0.005), ("0.02", 0.02), ("0", 0.0), ("20%", 0.2), ("0.09", 0.09)]
)
def test_a_share_is_typed_in_either_way(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["1", "100%", "-1%", "", "%", "1e-2", "one", "nan", "1%%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no share"):
        share_of(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.5", "give it with a % sign"),
        ("0.1", "may mean 0.1 % or 0.1 of"),
        ("0.99", "% sign"),
        ("99%", "give 20% at most"),
        ("20.1%", "20% at most"),
    ],
)
def test_a_share_that_may_mean_something_else_or_anything_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        share_of(text)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"probe": Path("p")}, "--probe"),
        ({"logits_distance": 0.5}, "--logits-distance"),
        ({"captures": 0}, "--captures"),
        ({"probe": Path("p"), "captures": 1}, "--probe and --captures"),
    ],
)
def test_what_a_walk_does_not_look_at_is_refused_with_it(options: dict[str, object], named: str) -> None:
    defaults = {"processes": None, "repetitions": None, "captures": None, "logits_distance": None, "probe": None}
    with pytest.raises(UserError, match=f"leave {named} out"):
        gate(Path("b.json"), commits="A..B", **{**defaults, **options})  # type: ignore[arg-type]


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(gate_runs, "gate_report", lambda _: pytest.fail("it ran"))
    with pytest.raises(UserError, match="is no folder; name another one with -o"):
        gate(Path("b.json"), output=tmp_path / "file" / "x.json")


def run(monkeypatch: pytest.MonkeyPatch, **options: object) -> int:
    monkeypatch.setattr(gate_runs, "gate_report", lambda _: PASSED)
    defaults = {
        "tolerance": "1%", "processes": None, "repetitions": None, "captures": None, "cooldown": 0.0,
        "logits_distance": None, "model": None, "variant": None, "probe": None, "commits": None, "output": None,
    }  # fmt: skip
    with pytest.raises(typer.Exit) as left:
        gate(Path("b.json"), **{**defaults, **options})  # type: ignore[arg-type]
    return left.value.exit_code


def test_the_summary_is_appended_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run(monkeypatch, summary=True) == 0
    assert summary.read_text().startswith("before\n**Passed: ")
    assert capsys.readouterr().out.startswith("Passed: memory of m, held against b.json.")


@pytest.mark.parametrize(("place", "said"), [(None, "is not set"), ("missing/folder/file", "cannot be written")])
def test_a_summary_that_cannot_be_written_changes_no_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str | None,
    said: str,
) -> None:
    if place:
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / place))
    else:
        monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert run(monkeypatch, summary=True) == 0
    assert said in capsys.readouterr().err


def test_an_answer_is_written_over_its_like_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.json", "a.md"):
        for _ in range(2):
            assert run(monkeypatch, output=tmp_path / name) == 0
    (tmp_path / "mine.json").write_text("{}")
    monkeypatch.setattr(gate_runs, "gate_report", lambda _: pytest.fail("it ran"))
    with pytest.raises(UserError, match="was not written by this command"):
        gate(Path("b.json"), output=tmp_path / "mine.json")


class _Terminal:
    def __init__(self, *, is_one: bool) -> None:
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A baseline whose model is slower by now."""
    monkeypatch.setattr(baseline_runs, "measure_all", lambda *_: [measured(factor=1.2, seed=2)])
    write_baseline(tmp_path / "b.json", [measured()])
    return tmp_path / "b.json"


def refresh(file: Path, *, yes: bool = False, force: bool = False) -> None:
    verbs.refresh(file, yes=yes, force=force, cooldown=0.0)


def test_without_anybody_to_ask_nothing_is_measured(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(is_one=False))
    monkeypatch.setattr(baseline_runs, "measure_all", lambda *_: pytest.fail("it ran"))
    with pytest.raises(UserError, match="give --yes to replace it"):
        refresh(kept)
    assert read_baseline(kept).models == (measured(),)


def test_what_cannot_be_compared_replaces_a_baseline_by_force_alone(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slower = measured(factor=1.2, conditions=replace(CONDITIONS, sm_clock_mhz=1200))
    monkeypatch.setattr(baseline_runs, "measure_all", lambda *_: [slower])
    with pytest.raises(UserError, match=r"cannot be compared.* 1200 MHz.*Give --force"):
        refresh(kept, yes=True)
    assert read_baseline(kept).models == (measured(),)
    assert "decode.128 got worse" in capsys.readouterr().out
    refresh(kept, yes=True, force=True)
    assert read_baseline(kept).models == (slower,)


def test_baselines_of_other_models_are_not_compared(tmp_path: Path) -> None:
    for name in "ab":
        write_baseline(tmp_path / name, [measured(request=Request(name))])
    with pytest.raises(UserError, match="have no model in common"):
        verbs.diff(tmp_path / "a", tmp_path / "b")


def test_a_baseline_that_cannot_be_written_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").write_text("no folder")
    monkeypatch.setattr(baseline_runs, "measure_all", lambda *_: pytest.fail("it ran"))
    with pytest.raises(UserError, match="is no folder"):
        verbs.record(model=["m"], backend="numpy", cooldown=0.0)


@pytest.mark.parametrize("agrees", [True, False])
def test_whoever_is_asked_decides(kept: Path, monkeypatch: pytest.MonkeyPatch, agrees: bool) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(is_one=True))
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: agrees)
    refresh(kept)
    assert (read_baseline(kept).models == (measured(),)) is not agrees


def test_a_failed_measurement_leaves_the_baseline(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("no room")

    before = kept.read_bytes()
    monkeypatch.setattr(baseline_runs, "measure_all", fail)
    with pytest.raises(UserError, match="no room"):
        refresh(kept, yes=True)
    assert kept.read_bytes() == before
