"""What became of predictions: how much of each a later capture showed, and what that says of the next one."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from workbench.findings.finding import expected_ns


@dataclass(frozen=True)
class Outcome:
    """A finding's prediction, and what a later capture says of it.

    Attributes:
        detector, phase, claim, target: the finding's own.
        before, after: the names of the captures in which it was found and was verified.
        finding: its number in the report, such as `F3`.
        model, gpu, graphs: what was run, on what, and whether with CUDA graphs; None where that is unknown.
        predicted_low_ns, predicted_high_ns: the predicted gain of a step.
        step_before_ns, step_after_ns: the step then and now.
        is_met: the later capture fulfils the target.
        met_together: how many findings of this phase were met at once, this one among them.
        realised_ns: what of the step's change is credited to it; None where not met, or where it cannot be told.
    """

    detector: str
    phase: str
    claim: str
    target: str
    before: str
    after: str
    finding: str
    model: str | None
    gpu: str | None
    graphs: bool | None
    predicted_low_ns: int
    predicted_high_ns: int
    step_before_ns: int
    step_after_ns: int
    is_met: bool
    met_together: int
    realised_ns: int | None

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What tells it from all others: verifying twice must not count twice."""
        return self.before, self.after, self.finding, self.detector

    @property
    def ratio(self) -> float | None:
        """How many times what was expected was realised; None where nothing was, or it cannot be told."""
        expected = expected_ns(self.predicted_low_ns, self.predicted_high_ns)
        return self.realised_ns / expected if expected and self.realised_ns is not None else None


@dataclass(frozen=True)
class Realised:
    """How many times what was expected a detector's predictions brought.

    Attributes:
        ratio: the median.
        low, high: the least and the most.
        count: of so many predictions.
    """

    ratio: float
    low: float
    high: float
    count: int


def realised(outcomes: Iterable[Outcome], detector: str) -> Realised | None:
    """What a detector's predictions came to, of those whose targets were met; None where there are none."""
    own = [outcome for outcome in unseen((), outcomes) if outcome.detector == detector and outcome.is_met]
    ratios = [ratio for outcome in own if (ratio := outcome.ratio) is not None]
    return Realised(median(ratios), min(ratios), max(ratios), len(ratios)) if ratios else None


def unseen(known: Iterable[Outcome], outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes that are not among the known ones, each once, in their order."""
    identities = {outcome.identity for outcome in known}
    found: dict[tuple[str, str, str, str], Outcome] = {}
    for outcome in outcomes:
        found.setdefault(outcome.identity, outcome)
    return tuple(outcome for identity, outcome in found.items() if identity not in identities)
