"""What `wb gate` says, in words."""

from collections.abc import Iterator

from workbench.gate.speed import loss_that_matters
from workbench.gate.verdict import GateReport, GateResult, ModelVerdict, Status
from workbench.report import quantities
from workbench.report.diff import listed

SCHEMA = "wb.gate/1"
# A line by which a report in Markdown is known as ours, and a document in JSON.
MARK = "wb.gate/1, written by wb gate"
JSON_MARK = f'"schema": "{SCHEMA}"'
_ANSWERS = {
    Status.PASSED: "Passed",
    Status.FAILED: "Failed",
    Status.UNDECIDED: "Could not be judged",
    Status.NOT_RUN: "Not run",
}
_NOTHING_RAN = "nothing was run, and a gate that ran nothing has passed nothing"


def gate_name(gate: str) -> str:
    """What a gate is called in a sentence."""
    return gate.replace("_", " ")


def verdict(report: GateReport) -> str:
    """The answer, and the first reason for it; what anybody reads first."""
    status = report.status
    told = "; ".join(_answered(report, status))
    if not told:
        of_models = f"of {listed([model.model for model in report.models])} " if report.models else ""
        return f"{_ANSWERS[Status.UNDECIDED]}: {of_models}{_NOTHING_RAN}."
    skipped = "; ".join(_answered(report, Status.NOT_RUN))
    text = f"{_ANSWERS[status]}: {told}, held against {report.baseline}"
    if status is Status.PASSED:
        return f"{text}{f' (not run: {skipped})' if skipped else ''}."
    return f"{text}. {_first_reason(report, status)}".rstrip()


def model_sentences(model: ModelVerdict) -> list[tuple[GateResult, str]]:
    """What each gate of a model says, its answer first."""
    return [(gate, f"{gate_name(gate.gate)}: {gate.status}. {gate.sentence}".rstrip()) for gate in model.gates]


def remark_sentences(model: ModelVerdict) -> list[str]:
    """What was odd while a model was measured."""
    return [f"remark: {remark}" for remark in model.remarks]


def context(report: GateReport) -> list[str]:
    """What the words mean, and what the exit code will be."""
    return [
        f"A time fails where it is longer than the baseline's by more than {quantities.share(report.tolerance)} and by "
        f"more than noise, and passes where a loss of {quantities.share(loss_that_matters(report.tolerance))} can be "
        "ruled out; between the two it could not be judged.",
        "An interval holds the true change 95 times in 100; a change as large as in the column `could show` would have "
        "been shown 4 times in 5.",
        f"Exit code {report.exit_code}: {_ANSWERS[report.status].lower()}.",
    ]


def _answered(report: GateReport, status: Status) -> Iterator[str]:
    """The gates that answered so, model by model."""
    for model in report.models:
        if names := [gate_name(gate.gate) for gate in model.gates if gate.status is status]:
            yield f"{listed(names)} of {model.model}"


def _first_reason(report: GateReport, status: Status) -> str:
    reasons = (gate.sentence for model in report.models for gate in model.gates if gate.status is status)
    return next(filter(None, reasons), "")
