"""Whether a model still computes the same: greedy tokens, or logits close enough where a change may round."""

import math
from collections.abc import Sequence
from statistics import pstdev

from workbench.gate.measured import MeasuredModel, Results
from workbench.gate.verdict import GateResult, Line, Status

GATE = "results"
# Of the spread of logits. Other algorithms for products of 16 bits were seen to move them by a twentieth of it.
_ROUNDING = 0.25


def judge(baseline: MeasuredModel, now: MeasuredModel, logits_distance: float | None = None) -> GateResult:
    """Compares what was computed; what one side does not tell never passes.

    Args:
        baseline: what was kept.
        now: what was computed now.
        logits_distance: how far a logit may lie from the baseline's where tokens differ; None allows no difference.
    """
    then, since = baseline.results, now.results
    if then.tokens_sha256 is None:
        return GateResult(GATE, Status.NOT_RUN, "The baseline does not tell what was computed.")
    if since.tokens_sha256 is None:
        return GateResult(GATE, Status.UNDECIDED, "This run does not tell what it computed.")
    if not (then.agree and since.agree):
        return _disagreed(then, logits_distance)
    distance = largest_distance(then.logits, since.logits)
    if then.tokens_sha256.casefold() == since.tokens_sha256.casefold():
        if distance is not None and distance > _most_by_rounding(then.logits):
            said = f"The same tokens, but logits behind a prompt are up to {distance:.3g} apart: no rounding does that."
            return GateResult(GATE, Status.FAILED, said, _lines(Status.PASSED, "", Status.FAILED, distance))
        apart = f", from logits at most {distance:.3g} apart" if distance else ""
        lines = _lines(Status.PASSED, "", Status.NOT_RUN, distance)
        return GateResult(GATE, Status.PASSED, f"The same tokens{apart}.", lines)
    status = Status.FAILED
    if logits_distance is not None and distance is not None and distance <= logits_distance:
        status = Status.PASSED
    said = f"Other tokens, {_first_difference(then, since)}"
    decided = Status.NOT_RUN if logits_distance is None else status
    return GateResult(
        GATE, status, f"{said}{_why(distance, logits_distance)}.", _lines(status, f"{said}.", decided, distance)
    )


def _disagreed(then: Results, logits_distance: float | None) -> GateResult:
    """The answer where a side computed now this, now that: never passed.

    Of runs that computed different tokens one at least did not compute the baseline's: that fails, unless tokens may
    differ, for the logits of those runs are not told.
    """
    if not then.agree:
        said = "The baseline's processes or captures computed different tokens among themselves: record it anew."
        return GateResult(GATE, Status.UNDECIDED, said, _lines(Status.UNDECIDED, "", Status.NOT_RUN, None))
    status = Status.FAILED if logits_distance is None else Status.UNDECIDED
    said = (
        "Processes or captures of this run computed different tokens among themselves: something in the model depends "
        "on time or place."
    )
    return GateResult(GATE, status, said, _lines(status, "", Status.NOT_RUN, None))


def _most_by_rounding(logits: Sequence[float]) -> float:
    """How far logits may lie apart where products round otherwise."""
    return _ROUNDING * pstdev(logits) if all(map(math.isfinite, logits)) else 0.0


def largest_distance(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The largest absolute difference of logits at the same place; None where they are not told, or are not as many.

    Infinite where a logit is no finite number.
    """
    if not one or len(one) != len(other):
        return None
    apart = [abs(first - second) for first, second in zip(one, other, strict=True)]
    return max(apart) if all(map(math.isfinite, apart)) else math.inf


def _lines(tokens: Status, sentence: str, logits: Status, distance: float | None) -> tuple[Line, ...]:
    """Tokens, and the distance of logits where it is known; that decides only where tokens differ and it may."""
    lines = [Line("tokens", tokens, None, None, "", sentence=sentence)]
    if distance is not None:
        lines.append(Line("logits_distance", logits, None, distance, ""))
    return tuple(lines)


def _why(distance: float | None, allowed: float | None) -> str:
    if allowed is None:
        return "" if distance is None else f", from logits up to {distance:.3g} apart"
    if distance is None:
        return ", and there are no logits to tell by how much"
    return f", from logits up to {distance:.3g} apart, where {allowed:g} is allowed"


def _first_difference(then: Results, since: Results) -> str:
    """From where on tokens differ, as far as those told say."""
    pairs = list(zip(then.tokens, since.tokens, strict=False))
    first = next((place for place, (one, other) in enumerate(pairs, 1) if one != other), None)
    if first is not None:
        return f"from token {first} on"
    return f"somewhere after the first {len(pairs)}" if pairs else "from where on is not known"
