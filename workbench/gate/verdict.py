"""What gates say."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "could not be judged"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Line:
    """One comparison of a gate.

    Attributes:
        name: what was compared, such as `decode.128` or `peak_bytes`.
        status: what became of it.
        baseline, now: both values, in `unit`; None where one is not known.
        unit: `ns`, `bytes`, `ratio`, `calls` or empty for texts.
        change: now over baseline, less one; None where that makes no sense.
        interval: where the true change lies, 95 times in 100, as shares; None where it is not known.
        smallest: the smallest true change that this run would have shown 4 times in 5, as a share.
        sentence: what there is to say, a sentence; empty where the numbers say it.
    """

    name: str
    status: Status
    baseline: float | None
    now: float | None
    unit: str
    change: float | None = None
    interval: tuple[float, float] | None = None
    smallest: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class GateResult:
    """One gate of one model: `speed`, `layers`, `memory`, `graphs`, `steady_state`, `results` or `comparable`."""

    gate: str
    status: Status
    sentence: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class ModelVerdict:
    """All gates of one model, and what was odd while it was measured, a sentence each."""

    model: str
    gates: tuple[GateResult, ...]
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """Failed if any gate failed; else undecided if any could not be judged, or nothing was judged at all."""
        found = {gate.status for gate in self.gates}
        if Status.FAILED in found:
            return Status.FAILED
        return Status.UNDECIDED if Status.UNDECIDED in found or Status.PASSED not in found else Status.PASSED


@dataclass(frozen=True)
class GateReport:
    """The answer of `wb gate`."""

    baseline: str
    tolerance: float
    models: tuple[ModelVerdict, ...]

    @property
    def status(self) -> Status:
        """That of all models together; of none, undecided: a gate that ran nothing has passed nothing."""
        found = {model.status for model in self.models}
        if Status.FAILED in found:
            return Status.FAILED
        return Status.PASSED if found == {Status.PASSED} else Status.UNDECIDED

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 2 could not be judged."""
        return {Status.PASSED: 0, Status.FAILED: 1}.get(self.status, 2)
