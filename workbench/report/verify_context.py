"""What must be known beside the verdict on a findings report to believe it, in sentences."""

from collections.abc import Iterator

from workbench.compare.comparability import Kind, label
from workbench.compare.verification import PhaseChange, Verification
from workbench.report import quantities
from workbench.report.diff import listed
from workbench.report.texts import capture_names, one_line
from workbench.report.verify import moved_words, phase_label
from workbench.report.verify_tables import unspoken_parts

# Without these on either side, nobody knows whether like is compared with like.
_TELLING_FIELDS = ("program", "model", "weights", "gpu", "driver")


def context(verification: Verification) -> list[str]:
    """What was made to differ, and what else differs or is not known."""
    return list(_made_of(verification))


def _made_of(verification: Verification) -> Iterator[str]:
    conditions = verification.conditions
    of_kind = {kind: [one_line(found.text) for found in conditions.differences if found.kind is kind] for kind in Kind}
    if of_kind[Kind.VARIED]:
        yield f"Under test: {'; '.join(of_kind[Kind.VARIED])}."
    elif conditions.vary:
        yield f"Under test is the {listed([label(factor) for factor in conditions.vary])}, and no difference is known."
    if of_kind[Kind.NOTED]:
        yield f"Differs as well: {'; '.join(of_kind[Kind.NOTED])}."
    if of_kind[Kind.UNKNOWN]:
        yield f"Not known to be equal: {'; '.join(of_kind[Kind.UNKNOWN])}."
    untold = [
        label(name)
        for name in _TELLING_FIELDS
        if getattr(conditions.before, name) is None and getattr(conditions.after, name) is None
    ]
    if untold:
        yield f"Neither side tells its {listed(untold)}: that they are equal is taken on trust."
    yield from map(one_line, conditions.caveats)


def captures_sentence(verification: Verification) -> str:
    """What either side is made of."""
    before = verification.comparison.before.captures if verification.comparison else ()
    names = [capture.name for capture in before] or [verification.report.capture.file]
    return f"Before: {_captures(names)}; after: {_captures(list(verification.captures))}."


def _captures(names: list[str]) -> str:
    return f"{quantities.counted(len(names), 'capture')} ({', '.join(map(one_line, capture_names(names)))})"


def unspoken_sentence(verification: Verification, phase: PhaseChange) -> str:
    """What moved in a phase though no finding that is met speaks of it; empty where nothing did, or none is met."""
    unspoken = unspoken_parts(phase)
    if not unspoken or not any(part.spoken_of_by for part in phase.told_parts):
        return ""
    return (
        f"No finding that is met speaks of {listed([moved_words(part) for part in unspoken])} in "
        f"{phase_label(verification, phase)}."
    )


def limitations(verification: Verification) -> list[str]:
    """What the report cannot say."""
    return list(_limitations(verification))


def _limitations(verification: Verification) -> Iterator[str]:
    alone = [phase for phase in verification.phases if len(phase.before_steps) == len(phase.after_steps) == 1]
    if alone:
        yield (
            "With one capture a side nobody can tell a difference from noise: captures of the same thing differ among "
            "themselves by more than their steps do (`wb profile --reps 3`)."
        )
    elif verification.comparison is None:
        yield (
            "The earlier report is of one capture; that others like it would differ among themselves as those of AFTER "
            "do is an assumption. With --before and several captures it is measured."
        )
    yield (
        "A prediction is for a change of its own. What else was changed at the same time is credited to the findings "
        "that are met, as far as no finding that is met speaks of the parts that it moved."
    )
    yield (
        "All times are as they were under the profiler, which makes launches and short kernels dearer; the speed "
        "without it decides."
    )
    yield from _limitations_of_phases(verification)


def _limitations_of_phases(verification: Verification) -> Iterator[str]:
    known = {(one.phase, one.pid) for one in verification.phases}
    for steps in verification.report.phases:
        if (steps.phase, steps.pid) not in known:
            yield (
                f"{steps.phase.capitalize()} (process {steps.pid} of the earlier report) cannot be held against AFTER: "
                "it has no such steps, or has them in another number of processes."
            )
    changed = [phase for phase in verification.phases if len({*phase.before_steps, *phase.after_steps}) > 1]
    if changed:
        yield (
            f"The captures hold different numbers of steps of "
            f"{listed([phase_label(verification, phase) for phase in changed])}. Where steps grow longer with the "
            "context, they are of different stretches."
        )
    if any(1 in (*phase.before_steps, *phase.after_steps) for phase in verification.phases):
        yield "A phase of one single step is no more than a sample: what happens once a run is part of it."
