"""What the words of a verification mean: one thing has one name in every rendering."""

from workbench.report.diff_terms import VERDICT_TERMS
from workbench.report.terms import IDLE_NAMES, terms

# What a verification says in the words of a comparison.
_SHARED = (
    "interval",
    "faster, slower (idle time: shorter, longer)",
    "overlaps more, overlaps less",
    "no difference shown",
    "no verdict",
)


def verify_terms() -> list[tuple[str, str]]:
    """The terms of a verification, and what each means."""
    idle = [entry for entry in terms() if entry[0] in IDLE_NAMES.values()]
    return [
        (
            "met",
            "of a target: it is met in every capture of AFTER; what is met in some only counts as not met. Now: the "
            "median over captures",
        ),
        ("promised", "the gain that the earlier report predicts of a step, if the remedy is applied and nothing else"),
        (
            "brought",
            "by how much the step became shorter, by the statistic of the prediction: the median step, or the mean one "
            "for what falls on few steps. Of a finding whose target is not met nothing is said: the change was not "
            "made, or did not do what was asked",
        ),
        (
            "one promise",
            "findings that are met and speak of the same work (the busy time of the same layer types; without any, the "
            "same waits): one change has met them all",
        ),
        (
            "shared",
            "several promises of a phase are met: they share its change by how much the work of each became shorter, "
            "or, where that is not known, by what was counted on (the low end and a quarter of the interval)",
        ),
        (
            "alone",
            "of an earlier prediction: nothing but its own promise was met in its phase, so all of the change is its",
        ),
        ("came true", "the gain lies in the promised interval; where its own interval is known, this one reaches it"),
        (
            "fell short, exceeded",
            "the gain, with its interval where that is known, lies below or above what was promised",
        ),
        ("within noise", "the interval of the gain holds no gain at all, so that nothing can be said"),
        *(entry for entry in VERDICT_TERMS if entry[0] in _SHARED),
        ("median step", "the (lower) median of a capture's steps; of several captures, the mean of theirs"),
        (
            "spoken of by",
            "of a part of the step: findings that are met and whose targets are about it, or about waits that it "
            "causes; a kernel's target is about busy time of any layer type",
        ),
        *idle,
    ]
