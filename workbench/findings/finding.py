"""What a detector says."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.findings.target import Target

Cell = str | int | float | None
# A finding whose remedy promises less of a step than this is listed, but not told at length.
MINOR_SHARE = 0.01


class Effort(StrEnum):
    """How long a remedy takes someone who knows the program."""

    SMALL = "S"
    MEDIUM = "M"
    LARGE = "L"

    @property
    def days(self) -> float:
        """The days that stand for it when gain is weighed against effort."""
        return {"S": 0.5, "M": 2.0, "L": 8.0}[self.value]


@dataclass(frozen=True)
class Evidence:
    """A table, and the SQL that yields exactly these rows when it is run on the export."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sql: str


@dataclass(frozen=True)
class Gain:
    """What a remedy should take off one step.

    Attributes:
        low_ns, high_ns: the interval.
        step_ns: the step now: the median one, or the mean.
        steps: how many steps the capture has.
        basis: where the interval comes from, in words.
        of_mean_step: the gain falls on few steps, and is shared out among all: `step_ns` is the mean step.
    """

    low_ns: int
    high_ns: int
    step_ns: int
    steps: int
    basis: str
    of_mean_step: bool = False

    @property
    def expected_total_ns(self) -> float:
        """What to count on over all steps."""
        return expected_ns(self.low_ns, self.high_ns) * self.steps


def expected_ns(low_ns: int, high_ns: int) -> float:
    """What to count on of an interval: nearer the low end, as the high end is what may be hoped for."""
    return low_ns + (high_ns - low_ns) / 4


@dataclass(frozen=True)
class CallTime:
    """Where the time of some API calls of a phase lies, summed over all of its steps.

    Attributes:
        steps: how many steps the phase has.
        total_ns: the sum of the calls' durations.
        critical_ns: what of it passed while the GPU was idle in a step's time: on the critical path.
        hidden_ns: what of it passed while the GPU worked. The rest lies outside the steps' time.
    """

    steps: int
    total_ns: int
    critical_ns: int
    hidden_ns: int


@dataclass(frozen=True)
class Finding:
    """One claim.

    Attributes:
        phase: the phase it is about.
        pid: the process it is about.
        claim: what is the case, in one sentence.
        evidence: what shows it.
        hypothesis: the likely cause, worded as what it is: a guess.
        remedy: what to do.
        gain: what that should bring, or None where it cannot be said.
        effort, risk: what it costs, and what could go wrong.
        target: what a later capture must show.
        call_time: for a claim about API calls, where their time lies; else None.
        detector: the name of the detector's module, filled in by whoever runs it.
    """

    phase: str
    pid: int
    claim: str
    evidence: tuple[Evidence, ...]
    hypothesis: str
    remedy: str
    gain: Gain | None
    effort: Effort
    risk: str
    target: Target
    call_time: CallTime | None = None
    detector: str = ""

    @property
    def is_minor(self) -> bool:
        """Whether its remedy promises little."""
        gain = self.gain
        return gain is not None and (not gain.high_ns or gain.high_ns < MINOR_SHARE * gain.step_ns)


@dataclass(frozen=True)
class Detection:
    """What a detector found; `lacking` says what data it would have needed, if it could not look."""

    findings: tuple[Finding, ...] = ()
    lacking: str = ""
