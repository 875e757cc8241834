from pathlib import Path

import pytest

from tests.unit.gate.measured_models import measured, number
from workbench.cli import machine_state, measuring
from workbench.cli.baseline_runs import effort_like, measure_all, suite_requests
from workbench.cli.measuring import Effort
from workbench.errors import UserError
from workbench.gate.measured import MeasuredModel, Request


def test_as_much_is_run_as_for_the_baseline_unless_asked_otherwise() -> None:
    models = [measured(numbers=(number("decode.128", *[1e8] * 7),), repetitions=3)]
    assert effort_like(models, None, None, None, 1.0) == Effort(7, 3, 3, 1.0)
    assert effort_like(models, 2, 1, 0, 0.0) == Effort(2, 1, 0, 0.0)
    assert effort_like((), None, None, None, 3.0) == Effort()


def test_what_slows_the_machine_down_is_said_first_and_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def measure(request: Request, *_: object) -> MeasuredModel:
        said.append(capsys.readouterr().err)
        return measured(request=request)

    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(measuring, "resolved", lambda request: request)
    monkeypatch.setattr(machine_state, "depressions", lambda: ["GPU 0 is capped at 500 W of 700 W"])
    (model,) = measure_all([Request("m")], Effort())
    assert said == ["wb: warning: GPU 0 is capped at 500 W of 700 W\n"]
    assert model.remarks == ("A remark.", "Before anything ran: GPU 0 is capped at 500 W of 700 W.")
    (on_cpu,) = measure_all([Request("m", backend="numpy")], Effort())
    assert on_cpu.remarks == ("A remark.",)


@pytest.mark.parametrize(("requests", "reason"), [([], "no model"), ([Request("m")] * 2, "named twice")])
def test_requests_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, requests: list[Request], reason: str
) -> None:
    monkeypatch.setattr(measuring, "resolved", lambda request: request)
    with pytest.raises(UserError, match=reason):
        measure_all(requests, Effort())


def test_an_imported_baseline_tells_of_no_processes() -> None:
    models = [measured(numbers=(number("decode.128", 1e8),), repetitions=1)]
    assert effort_like(models, None, None, None, 0.0).processes == 5


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ((0, 1, 1, 0.0), "--processes 0"),
        ((1, 0, 1, 0.0), "--reps 0"),
        ((1, 1, -1, 0.0), "--captures -1"),
        ((1, 1, 1, -1.0), "--cooldown -1"),
        ((1, 1, 1, float("nan")), "--cooldown nan"),
        ((1, 1, 1, float("inf")), "--cooldown inf"),
    ],
)
def test_counts_that_make_no_sense_are_refused(arguments: tuple[int, int, int, float], option: str) -> None:
    with pytest.raises(UserError, match=option):
        effort_like((), *arguments)


def test_a_suite_has_a_line_a_model(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.write_text(
        "# comment\nqwen3-4b\nmodel.gguf --weights synthetic\nqwen3-4b --weight-format bf16\nqwen3-4b  # again\n"
    )
    template = Request("", weight_format="q8_0", tests="long", backend="numpy")
    assert suite_requests(suite, template) == [
        Request("qwen3-4b", None, "q8_0", tests="long", backend="numpy"),
        Request("model.gguf", "synthetic", "q8_0", tests="long", backend="numpy"),
        Request("qwen3-4b", None, "bf16", tests="long", backend="numpy"),
    ]


def test_a_suite_that_makes_no_sense_names_its_line(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.write_text("qwen3-4b\nqwen3-8b --speed 3\n")
    with pytest.raises(UserError, match=r"line 2 of .*suite makes no sense"):
        suite_requests(suite, Request(""))
    with pytest.raises(UserError, match="cannot be read"):
        suite_requests(tmp_path / "missing", Request(""))
