"""What became of predictions: how much of each a later capture showed, and what that says of the next one."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from statistics import median

from workbench.findings.finding import expected_ns


@dataclass(frozen=True)
class Outcome:
    """A finding's prediction, and what a later capture says of it.

    Names of captures, model and mode are for people who read the file; content tells outcomes apart.

    Attributes:
        detector, phase, process, claim, target: the finding's own; the process is an id.
        before, after: the names of the captures in which it was found and was verified.
        finding: its number in the report, such as `F3`.
        found_in: which capture it was found in, by content: the first digits of a hash.
        captures: by which captures it was verified, before and after the change, likewise; sorted.
        model, gpu, graphs: what was run, on what, and whether with CUDA graphs; None where that is unknown.
        predicted_low_ns, predicted_high_ns: the predicted gain of a step.
        step_before_ns, step_after_ns: the step then and now.
        is_met: the later capture fulfils the target.
        together: the numbers of the findings that made the same promise, its own among them; none where not met.
        met_together: how many promises of this phase were met at once, its own among them; 0 where not met.
        realised_ns: what of the step's change is credited to it; None where not met, or where it cannot be told.
    """

    detector: str
    phase: str
    process: int
    claim: str
    target: str
    before: str
    after: str
    finding: str
    found_in: str
    captures: tuple[str, ...]
    model: str | None
    gpu: str | None
    graphs: bool | None
    predicted_low_ns: int
    predicted_high_ns: int
    step_before_ns: int
    step_after_ns: int
    is_met: bool
    together: tuple[str, ...]
    met_together: int
    realised_ns: int | None

    @property
    def prediction(self) -> Hashable:
        """What tells the prediction from all others."""
        return self.found_in, self.detector, self.target, self.process

    @property
    def identity(self) -> Hashable:
        """What tells the outcome from all others: verifying twice must not count twice."""
        return self.prediction, self.captures

    @property
    def promise(self) -> Hashable:
        """What it has in common with outcomes of findings that made the same promise."""
        return self.found_in, self.captures, self.phase, self.process, self.together

    @property
    def expected_ns(self) -> float:
        """What was to be counted on."""
        return expected_ns(self.predicted_low_ns, self.predicted_high_ns)

    @property
    def ratio(self) -> float | None:
        """How many times what was expected was realised; None where nothing was, or it cannot be told."""
        return self.realised_ns / self.expected_ns if self.expected_ns and self.realised_ns is not None else None


@dataclass(frozen=True)
class Realised:
    """How many times what was expected a detector's predictions brought.

    Attributes:
        ratio: the median.
        low, high: the least and the most.
        count: of so many promises.
        alone: how many of those were the only ones that were met in their phase, so that nothing is shared out.
        gpu: on which GPU all of them came true; None where that is not known.
    """

    ratio: float
    low: float
    high: float
    count: int
    alone: int
    gpu: str | None = None


def realised(outcomes: Iterable[Outcome], detector: str, gpu: str | None = None) -> Realised | None:
    """What a detector's predictions came to, of those whose targets were met; None where there are none.

    Findings of this detector that made one promise count once, by the one that most was expected of.

    Args:
        outcomes: the outcomes.
        detector: its name.
        gpu: on which GPU; outcomes of others do not count, those of an unknown one do. None lets all count.
    """
    own: dict[Hashable, Outcome] = {}
    for outcome in sorted(latest(outcomes), key=lambda outcome: -outcome.expected_ns):
        is_of_gpu = gpu is None or outcome.gpu is None or outcome.gpu == gpu
        if outcome.detector == detector and outcome.is_met and is_of_gpu and outcome.ratio is not None:
            own.setdefault(outcome.promise, outcome)
    ratios = [ratio for outcome in own.values() if (ratio := outcome.ratio) is not None]
    if not ratios:
        return None
    alone = sum(outcome.met_together == 1 for outcome in own.values())
    on_gpu = gpu if all(outcome.gpu for outcome in own.values()) else None
    return Realised(median(ratios), min(ratios), max(ratios), len(ratios), alone, on_gpu)


def latest(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Each outcome once, without those of predictions that were verified again by these captures and more."""
    found = unseen((), outcomes)
    sets: dict[Hashable, list[frozenset[str]]] = {}
    for outcome in found:
        sets.setdefault(outcome.prediction, []).append(frozenset(outcome.captures))
    return tuple(
        outcome
        for outcome in found
        if not any(frozenset(outcome.captures) < other for other in sets[outcome.prediction])
    )


def unseen(known: Iterable[Outcome], outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes that are not among the known ones, each once, in their order."""
    identities = {outcome.identity for outcome in known}
    found: dict[Hashable, Outcome] = {}
    for outcome in outcomes:
        found.setdefault(outcome.identity, outcome)
    return tuple(outcome for identity, outcome in found.items() if identity not in identities)
