"""What the words of a comparison mean: one thing has one name in every rendering."""

from workbench.compare.comparison import RATE, Comparison
from workbench.compare.matching import Relation
from workbench.compare.statistics import POWER
from workbench.report import quantities
from workbench.report.diff import step_of
from workbench.report.terms import IDLE_NAMES, terms

_OF_TABLES = (
    ("before, after", "time and calls of a whole run; of several captures a side, their mean"),
    ("difference, change", "after minus before, in time and as a share of before"),
)
VERDICT_TERMS = (
    ("mean step", "the mean over a capture's steps, then over the captures of a side"),
    ("difference, change", "after minus before, in time a step and as a share of before"),
    (
        "interval",
        "where the true difference lies, 95 times in 100, by the spread between captures (Welch's or Student's t, "
        "whichever is wider); steps are not counted as samples, for those of one capture are alike. Of many rows some "
        "intervals lie beside 0 by chance, so rows and parts are judged together, which asks for more",
    ),
    (
        "effect",
        "the size of the difference as a multiple of its noise, which is its standard error; with one capture a side "
        "of its steps alone, which says too little of the noise",
    ),
    (
        "faster, slower (idle time: shorter, longer)",
        f"of the step: it would differ so much in less than {quantities.share(RATE)} of cases without a true "
        f"difference; of rows and parts: of all that are called so, {quantities.share(RATE)} are not, on average",
    ),
    (
        "overlaps more, overlaps less",
        "busy time differs beyond noise, but the kernels' own time does not explain half of it: they hide behind "
        "earlier operations, or no longer do, and did not become faster or slower themselves",
    ),
    ("no difference shown", "there may be one, but it does not stand out from the noise"),
    (
        "smallest, would have shown 4 times in 5",
        f"the smallest true difference that captures like these show with a probability of {POWER}",
    ),
    ("no verdict", "there are too few captures to tell a difference from noise"),
    ("only before, only after", "the other side has nothing of that kind; it is new or gone, not faster or slower"),
    (
        "busy time",
        "the time in which at least one operation runs; where several do, it counts for the one that started first",
    ),
    ("kernel time, kernels", "the sum of the kernels' durations, also where they overlap; in rows, its change"),
    (
        "launches, time a call, swapped, overlap",
        "why busy time changed: kernels that both sides have are called more or less often, or take longer or less "
        "long; other kernels took their place; or more or less of their time passes while an earlier operation still "
        "runs. The four add up to the change",
    ),
    ("unexplained residual", "what the parts leave unexplained of the step's difference"),
    (
        "critical",
        "of an API call: the part of its time in which the GPU was idle in a step, which lies on the step's critical "
        "path; the rest is hidden behind the GPU's work",
    ),
)


def diff_terms(comparison: Comparison) -> list[tuple[str, str]]:
    """The terms of a comparison, and what each means."""
    unpaired = (Relation.UNPAIRED.value, f"of a kernel: {Relation.UNPAIRED.words}, so that nothing can be compared")
    if not comparison.phases:
        return [*_OF_TABLES, unpaired]
    seen = {pair.relation for row in comparison.rows for pair in row.kernels} - {Relation.SAME, Relation.UNPAIRED}
    relations = [(relation.value, f"of a kernel: {relation.words}") for relation in Relation if relation in seen]
    step = step_of(comparison)
    waits = {IDLE_NAMES[part.label] for part in step.contributions if part.is_idle} if step else set()
    return [*VERDICT_TERMS, *relations, unpaired, *(entry for entry in terms() if entry[0] in waits)]
