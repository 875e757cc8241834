from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.measured_models import FINGERPRINT, measured
from workbench.capture import machine
from workbench.cli import baseline_runs, commit_range, measuring
from workbench.cli import probe as probing
from workbench.cli.baseline_files import write_baseline
from workbench.cli.gate_runs import GateOptions, gate_report, gate_walks
from workbench.cli.measuring import Effort
from workbench.errors import UserError
from workbench.gate.measured import MeasuredModel, Request
from workbench.gate.probe import ProbeAnswer
from workbench.gate.verdict import GateReport, ModelVerdict, Status
from workbench.gate.walk import walk
from workbench.manifest import Device, Gpu
from workbench.report.gate_walk import walk_sentences


class Machine:
    """What can be run here: all but the models in `missing`, and every model as it was measured for the baseline."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.missing: set[str] = set()
        self.failing: set[str] = set()
        self.ran: list[Request] = []
        self.efforts: list[Effort] = []
        monkeypatch.setattr(measuring, "resolved", self._resolved)
        monkeypatch.setattr(measuring, "measure", self._measure)
        monkeypatch.setattr(baseline_runs, "conditions_before", lambda _: ("Before anything ran: it is hot.",))
        monkeypatch.setattr(machine, "describe_device", lambda: None)

    def _resolved(self, request: Request) -> Request:
        if request.model in self.missing:
            raise UserError(f"there is no model {request.model}")
        return request

    def _measure(self, request: Request, effort: Effort, _: object) -> MeasuredModel:
        if request.model in self.failing:
            raise UserError(f"{request.model} cannot be run: no room")
        self.ran.append(request)
        self.efforts.append(effort)
        variant = ", ".join(request.variants) or "none"
        return measured(request=request, seed=2, fingerprint=replace(FINGERPRINT, variant=variant), captures=())


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def asked(folder: Path, *models: MeasuredModel, **changed: Any) -> GateOptions:
    write_baseline(folder / "b.json", models)
    options = GateOptions(
        folder / "b.json", 0.01, None, None, None, 0.0, None, None, (), None, "The capital of France is", "Paris"
    )
    return replace(options, **changed)


def of(report: GateReport, gate: str, place: int = 0) -> Status:
    return next(one.status for one in report.models[place].gates if one.gate == gate)


def sentences(verdict: ModelVerdict) -> str:
    return " ".join(gate.sentence for gate in verdict.gates)


def test_what_the_baseline_ran_is_run_as_often(here: Machine, tmp_path: Path) -> None:
    report = gate_report(asked(tmp_path, measured()))
    assert here.ran == [measured().request]
    assert here.efforts == [Effort(5, 3, 3, 0.0)]
    assert {of(report, gate) for gate in ("comparable", "speed", "memory", "results")} == {Status.PASSED}
    assert report.baseline == "b.json"


def test_the_machine_before_anything_ran_is_in_the_report(here: Machine, tmp_path: Path) -> None:
    (model,) = gate_report(asked(tmp_path, measured())).models
    assert model.remarks[-1] == "Before anything ran: it is hot."


def test_the_machine_before_commits_ran_is_in_the_report(
    here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_range, "commits_of", lambda *_: ())
    monkeypatch.setattr(commit_range, "walk_commits", lambda *_: (walk("m", (), 0.01),))
    (found,) = gate_walks(asked(tmp_path, measured()), "A..B")
    assert found.remarks == ("Before anything ran: it is hot.",)
    assert "Before anything ran: it is hot." in walk_sentences(found)


def test_the_probe_is_not_run_unless_a_model_is_named(here: Machine, tmp_path: Path) -> None:
    assert of(gate_report(asked(tmp_path, measured())), "probe") is Status.NOT_RUN


def test_the_probe_is_run_once(here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []

    def answer(verb: str, options: dict[str, object], environment: object, name: str) -> str:
        answers.append((verb, options["max-tokens"], options["prompt"], name))
        return '{"tokens": [1, 2, 3, 4, 5, 6, 7, 8], "text": " Lyon"}'

    monkeypatch.setattr(probing, "run_verb", answer)
    monkeypatch.setattr(probing, "vocabulary_of", lambda _: 100)
    models = (measured(), measured(request=Request("other")))
    report = gate_report(asked(tmp_path, *models, probe=Path("some/real.gguf")))
    assert answers == [("generate", 64, "The capital of France is", "real.gguf")]
    assert (of(report, "probe"), of(report, "probe", 1)) == (Status.FAILED, Status.NOT_RUN)
    assert "real.gguf: The answer is degenerate (expected word)" in sentences(report.models[0])
    assert report.exit_code == 1


def test_an_answer_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "vocabulary_of", lambda _: 100)
    for text in ("", "[]", "{}", '{"tokens": ["x"], "text": ""}'):
        monkeypatch.setattr(probing, "run_verb", lambda *_, said=text: said)
        with pytest.raises(UserError, match="is not understood"):
            probing.probe(Path("m"), "", "", Request("m"))
    assert ProbeAnswer


def test_one_missing_model_leaves_the_answer_open_and_is_named(here: Machine, tmp_path: Path) -> None:
    here.missing = {"gone"}
    here.failing = {"large"}
    models = [measured(captures=()), *(measured(request=Request(name)) for name in ("gone", "large"))]
    report = gate_report(asked(tmp_path, *models))
    assert [model.status for model in report.models] == [Status.PASSED, Status.UNDECIDED, Status.UNDECIDED]
    assert "It could not be run: there is no model gone." in sentences(report.models[1])
    assert "no room" in sentences(report.models[2])
    assert report.exit_code == 2


@pytest.mark.parametrize("place", ["missing", "failing"])
def test_where_nothing_can_be_run_that_is_an_error(here: Machine, tmp_path: Path, place: str) -> None:
    setattr(here, place, {"qwen3-4b"})
    with pytest.raises(UserError, match=r"no model qwen3-4b|no room"):
        gate_report(asked(tmp_path, measured()))


def test_where_no_model_of_several_can_be_run_that_is_an_error(here: Machine, tmp_path: Path) -> None:
    here.missing = {"one", "other"}
    models = [measured(request=Request(name)) for name in sorted(here.missing)]
    with pytest.raises(UserError, match="no model of the baseline can be run: there is no model one"):
        gate_report(asked(tmp_path, *models))


def test_a_model_that_moved_is_held_against_the_same_baseline(here: Machine, tmp_path: Path) -> None:
    models = [measured(request=Request(f"models/{name}.gguf")) for name in "ab"]
    report = gate_report(asked(tmp_path, *models, model=Path("/elsewhere/b.gguf")))
    assert [request.model for request in here.ran] == ["models/a.gguf", "/elsewhere/b.gguf"]
    assert [of(report, "results", place) for place in (0, 1)] == [Status.PASSED, Status.PASSED]
    with pytest.raises(UserError, match=r"none of the baseline's models \(a.gguf, b.gguf\)"):
        gate_report(asked(tmp_path, *models, model=Path("c.gguf")))


def test_a_variant_is_judged_like_any_change(here: Machine, tmp_path: Path) -> None:
    report = gate_report(asked(tmp_path, measured(), variants=("no-pdl",)))
    assert [request.variants for request in here.ran] == [("no-pdl",)]
    assert len(report.models) == 1
    assert of(report, "comparable") is Status.PASSED


def test_two_models_that_a_variant_makes_one_are_refused(here: Machine, tmp_path: Path) -> None:
    other = measured(request=replace(measured().request, variants=("no-pdl",)))
    with pytest.raises(UserError, match="leave --variant out"):
        gate_report(asked(tmp_path, measured(), other, variants=("no-pdl",)))


def test_another_gpu_is_refused_before_anything_runs(
    here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = [Gpu(name, None, None, None, None, None, None) for name in ("NVIDIA H100",)]
    monkeypatch.setattr(machine, "describe_device", lambda: Device(None, None, tuple(gpus)))
    with pytest.raises(UserError, match="measured on NVIDIA H200, and this machine has NVIDIA H100"):
        gate_report(asked(tmp_path, measured()))
    assert here.ran == []
    gate_report(asked(tmp_path, measured(request=replace(measured().request, backend="numpy"))))
