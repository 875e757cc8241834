"""What the words of a verification mean: one thing has one name in every rendering."""

from workbench.compare.comparison import RATE
from workbench.report import quantities
from workbench.report.terms import IDLE_NAMES, terms


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
            "shared",
            "several findings of a phase are met: the change is credited to them together, shared out by what each was "
            "counted on for (its low end and a quarter of the way to its high end)",
        ),
        ("came true", "the gain lies in the promised interval; where its own interval is known, this one reaches it"),
        (
            "fell short, exceeded",
            "the gain, with its interval where that is known, lies below or above what was promised",
        ),
        ("within noise", "the interval of the gain holds no gain at all, so that nothing can be said"),
        (
            "interval",
            "where the true difference lies, 95 times in 100, by the spread between captures; steps are not counted as "
            "samples, for those of one capture are alike",
        ),
        (
            "faster, slower",
            f"it would differ so much in less than {quantities.share(RATE)} of cases without a true difference",
        ),
        ("no difference shown", "there may be one, but it does not stand out from the noise"),
        ("no verdict", "there are too few captures to tell a difference from noise"),
        ("median step", "the (lower) median of a capture's steps; of several captures, the mean of theirs"),
        (
            "spoken of by",
            "of a part of the step: findings that are met and whose targets are about it, or about waits that it "
            "causes; a kernel's target is about busy time of any layer type",
        ),
        *idle,
    ]
