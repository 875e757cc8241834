import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import session
from tests.unit.capture.fakes import fake_nsys
from tests.unit.capture.test_profile import _NSYS
from tests.unit.findings.programs import Program
from tests.unit.findings.test_calibration import an_outcome
from workbench.calibration_file import append_calibration
from workbench.cli import profile_model as module
from workbench.cli.profile_model import ModelProfile, profile_model
from workbench.errors import UserError
from workbench.manifest import read_manifest

Run = Callable[..., int]
_ROLE = {"phase": "decode", "layer_type": "mlp", "role": "down_proj", "bytes": 40_000_000, "operations": 0}
_SAID = {
    "schema": "engine.run/1",
    "model": {"name": "tiny-qwen3"},
    "device": {"copy_bytes_per_s": 4e12},
    "roles": [_ROLE],
    "timings": {"prefill_ns": [1000], "decode_ns": [2000], "decode_steps": 2},
}


def _program(*, graphs: bool = False) -> Program:
    program = Program()
    if graphs:
        with program.range("model.layers.0.mlp.down_proj"):
            program.node(1)
    for _ in range(4):
        with program.step():
            if graphs:
                with program.graph_launch():
                    program.kernel("gemv", 20_000, node=1)
            else:
                with program.range("model.layers.0.mlp.down_proj"):
                    program.kernel("gemv", 20_000)
    return program


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A machine with a GPU and an nsys; the options with which the engine, a shell script, was started.

    A run with graphs on is recorded as nsys/on.sqlite, one without as nsys/off.sqlite.
    """
    monkeypatch.setenv("WB_NSYS", str(fake_nsys(tmp_path / "nsys/nsys", script=_NSYS)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "choose_backend", lambda wanted: "cuda")
    for way in ("on", "off"):
        _program(graphs=way == "on").export.write(tmp_path / f"nsys/{way}.sqlite")
    seen: list[dict[str, Any]] = []

    def command(_verb: str, options: dict[str, Any]) -> tuple[str, ...]:
        seen.append(options)
        record = f"cp nsys/{options['graphs']}.sqlite nsys/export.sqlite"
        return ("sh", "-c", f"{record}; echo '{json.dumps(_SAID)}' > $WB_WORKLOAD_MANIFEST")

    monkeypatch.setattr(module, "engine_command", command)
    return seen


@pytest.fixture
def run() -> Run:
    def profile(**changes: Any) -> int:
        defaults: dict[str, Any] = {
            "model": "tiny-qwen3",
            "workload": "W2",
            "graphs": "on",
            "variants": (),
            "backend": "auto",
            "more": {},
            "repetitions": 1,
            "name": None,
            "output": Path("profiles"),
            "reports": Path("reports"),
            "keep_reports": None,
        }
        return profile_model(ModelProfile(**(defaults | changes)))

    return profile


def _folders() -> list[str]:
    return sorted(path.name.rsplit("-", 3)[0] for path in Path("profiles").iterdir())


def test_graphs_on_and_off_are_two_folders_and_two_reports(run: Run, started: list[dict[str, Any]]) -> None:
    assert run(graphs="both", repetitions=2, variants=("no-pdl",)) == 0
    assert _folders() == ["tiny-qwen3-w2-graphs-off-no-pdl", "tiny-qwen3-w2-graphs-on-no-pdl"]
    assert [(options["graphs"], options["reps"]) for options in started] == [
        ("on", 2),
        ("on", 1),
        ("off", 2),
        ("off", 1),
    ]
    assert all(options["backend"] == "cuda" for options in started)
    for folder in Path("profiles").iterdir():
        manifest = read_manifest(folder)
        assert len(manifest.captures) == 2
        assert manifest.slowdown is None
        assert manifest.profiled
        report = (Path("reports") / f"{folder.name}.md").read_text(encoding="utf-8")
        assert "Roofline of a decode step" in report
        assert "mlp down_proj runs at 50% of its roofline" in report


def _report(way: str) -> str:
    """The report of a run with graphs on or off."""
    (path,) = Path("reports").glob(f"*graphs-{way}-*.md")
    return path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("started")
def test_graphs_on_and_off_predict_for_each_other(run: Run) -> None:
    assert run(graphs="both") == 0
    for way, other in (("on", "off"), ("off", "on")):
        assert f"the same program with graphs {other} |" in _report(way)
        assert f"gain with graphs {way} | with graphs {other} |" in _report(way)
        assert f"with graphs {way}: 0 ns to 10.0 µs off a step of 20.0 µs" in _report(way)
        (line,) = [line for line in _report(way).splitlines() if line.startswith("wb findings")]
        assert f" --counterpart tiny-qwen3-w2-graphs-{other}-" in line.replace("profiles/", "")


@pytest.mark.parametrize(("failure", "code"), [(lambda: ("sh", "-c", "exit 3"), 3), (None, 130)])
def test_what_fails_with_graphs_off_leaves_the_report_with_them_on(
    run: Run,
    started: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[], tuple[str, ...]] | None,
    code: int,
) -> None:
    command = module.engine_command

    def failing(verb: str, options: dict[str, Any]) -> tuple[str, ...]:
        if options["graphs"] == "on":
            return command(verb, options)
        if failure is None:
            raise KeyboardInterrupt
        return failure()

    monkeypatch.setattr(module, "engine_command", failing)
    assert run(graphs="both") == code
    assert "mlp down_proj runs at 50% of its roofline" in _report("on")
    assert "counterpart" not in _report("on")
    assert len(list(Path("reports").glob("*.md"))) == 1


def test_two_captures_that_are_no_counterparts_are_reported_on_alone(
    run: Run, started: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nsys/on.sqlite").write_bytes(Path("nsys/off.sqlite").read_bytes())
    assert run(graphs="both") == 0
    assert "wb: warning: tiny-qwen3-w2-graphs-off-" in capsys.readouterr().err
    assert "counterpart" not in _report("on") + _report("off")


@pytest.mark.usefixtures("started")
def test_what_earlier_predictions_came_to_is_quoted(run: Run) -> None:
    append_calibration(Path("profiles/calibration.jsonl"), [an_outcome(detector="below_roofline", gpu=None)])
    assert run() == 0
    assert "predictions of this detector were realised at 0.8 times (n = 1, alone)" in _report("on")


def test_nothing_is_ever_overwritten(run: Run, started: list[dict[str, Any]]) -> None:
    assert run() == 0
    (folder,) = Path("profiles").iterdir()
    Path("reports", f"{folder.name}-2.svg").write_text("theirs")
    assert run() == 0
    assert {path.name for path in Path("profiles").iterdir()} == {folder.name, f"{folder.name}-3"}
    assert Path("reports", f"{folder.name}-2.svg").read_text() == "theirs"


@pytest.mark.usefixtures("started")
def test_a_name_takes_the_place_of_model_and_workload(run: Run) -> None:
    assert run(name="mine") == 0
    assert _folders() == ["mine-graphs-on"]


@pytest.mark.usefixtures("started")
def test_an_engine_that_fails_is_not_profiled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "engine_command", lambda *_: ("sh", "-c", "exit 2"))
    assert run() == 2
    assert not Path("profiles").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "nonsense"}, "no model nonsense"),
        ({"workload": "W3"}, "W3 is no workload"),
        ({"variants": ("faster",)}, "faster"),
        ({"repetitions": 0}, "--reps 0"),
        ({"model": ""}, "--model is empty"),
        ({"more": {"temperature": -1.0}}, r"--temperature: -1\.0 .*; see `wb profile --help`"),
        ({"more": {"temperature": float("nan")}}, "--temperature: nan"),
        ({"more": {"context": -1}}, "--context: -1"),
        ({"more": {"context": 100}}, "do not fit in a cache for 100"),
        ({"more": {"chunk": -1}}, "--chunk: -1"),
        ({"output": Path(__file__)}, "is no folder; name another one with -o"),
        ({"reports": Path(__file__) / "reports"}, "is no folder; name another one with --reports"),
        ({"keep_reports": Path("a/b"), "output": Path("a")}, "--keep-rep would put reports"),
        ({"more": {"weights": "nowhere"}}, "nowhere"),
        ({"more": {"weight-format": "fp7"}}, "fp7"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(
    run: Run, started: list[dict[str, Any]], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        run(**changes)
    assert started == []


def test_a_gpu_needs_nsys(run: Run, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WB_NSYS", "nothing")
    with pytest.raises(UserError, match="is no working nsys"):
        run()
    assert started == []


def test_on_numpy_there_is_no_report_of_nsys_to_keep(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "choose_backend", lambda wanted: "numpy")
    with pytest.raises(UserError, match="--keep-rep"):
        run(keep_reports=tmp_path)
