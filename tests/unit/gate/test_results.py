import math
from dataclasses import replace

import pytest

from tests.unit.gate.measured_models import RESULTS, measured
from workbench.gate.measured import Results
from workbench.gate.results import judge
from workbench.gate.verdict import GateResult, Status

OTHER = Results("7" * 64, (1, 2, 9, 4), "8" * 64, (0.5, -1.25, 3.0))


def judged(now: Results, distance: float | None = None, then: Results = RESULTS) -> GateResult:
    return judge(measured(results=then), measured(results=now), distance)


def test_equal_tokens_pass() -> None:
    found = judged(RESULTS)
    assert (found.status, found.sentence) == (Status.PASSED, "The same tokens.")
    assert judged(Results("5" * 64)).status is Status.PASSED


def test_equal_tokens_pass_whatever_their_logits() -> None:
    found = judged(Results(RESULTS.tokens_sha256, RESULTS.tokens, OTHER.logits_sha256, OTHER.logits), 0.01)
    assert (found.status, found.sentence) == (Status.PASSED, "The same tokens, from logits at most 0.25 apart.")
    assert Status.FAILED not in {line.status for line in found.lines}


def test_other_tokens_fail_and_the_first_is_named() -> None:
    found = judged(OTHER)
    assert (found.status, found.sentence) == (
        Status.FAILED,
        "Other tokens, from token 3 on, from logits up to 0.25 apart.",
    )


@pytest.mark.parametrize(("distance", "status"), [(0.25, Status.PASSED), (0.2, Status.FAILED)])
def test_other_tokens_from_near_logits_pass_where_that_is_allowed(distance: float, status: Status) -> None:
    found = judged(OTHER, distance)
    assert found.status is status
    assert f"where {distance:g} is allowed" in found.sentence
    assert {line.name: line.status for line in found.lines} == {"tokens": status, "logits_distance": status}


@pytest.mark.parametrize("logits", [(), (0.5, -1.25), (0.5, math.nan, 3.0), (0.5, math.inf, 3.0)])
def test_logits_that_tell_nothing_allow_nothing(logits: tuple[float, ...]) -> None:
    assert judged(Results("7" * 64, (1, 2, 9, 4), "8" * 64, logits), 10.0).status is Status.FAILED


def test_tokens_that_differ_behind_those_told() -> None:
    assert "somewhere after the first 4" in judged(Results("7" * 64, RESULTS.tokens)).sentence
    assert "from where on is not known" in judged(Results("7" * 64)).sentence


def test_what_is_not_told_never_passes() -> None:
    assert judged(Results(None)).status is Status.UNDECIDED
    assert judged(RESULTS, then=Results(None)).status is Status.NOT_RUN
    assert judged(Results(None, logits=RESULTS.logits), 1.0).status is Status.UNDECIDED


@pytest.mark.parametrize(("moved", "status"), [(0.01, Status.PASSED), (5.0, Status.FAILED)])
def test_logits_of_equal_tokens_may_be_rounded_otherwise_but_not_be_others(moved: float, status: Status) -> None:
    logits = tuple(float(place % 7) for place in range(64))
    then = measured(results=Results("ab" * 32, (1, 2), "cd" * 32, logits))
    since = measured(results=Results("ab" * 32, (1, 2), "ef" * 32, (logits[0] + moved, *logits[1:])))
    assert judge(then, since).status is status


def test_processes_that_computed_different_tokens_never_pass() -> None:
    """The first process alone says nothing of the others."""
    mixed = replace(RESULTS, agree=False)
    assert judged(mixed).status is Status.FAILED
    assert "different tokens among themselves" in judged(mixed).sentence
    assert judged(mixed, distance=1.0).status is Status.UNDECIDED
    assert judged(RESULTS, then=mixed).status is Status.UNDECIDED
