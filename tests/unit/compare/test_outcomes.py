from dataclasses import replace
from hashlib import sha256

import pytest

from tests.unit.compare.loops import MEMSET_NS, Analysed, conditions, loop, observed_as, report_of, verified
from workbench.compare.credit import TargetState
from workbench.compare.outcomes import outcomes
from workbench.compare.verification import Observed, find_now, verify
from workbench.findings.target import parse_target


def test_outcomes_are_kept_of_what_promised_a_gain(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop(product_ns=104_000)))
    (outcome,) = outcomes(verification)
    report = verification.report
    assert (outcome.detector, outcome.phase, outcome.finding) == ("memsets_in_steps", "decode", "F1")
    assert (outcome.before, outcome.after) == (report.capture.file, "after")
    assert (outcome.predicted_low_ns, outcome.predicted_high_ns) == (2 * MEMSET_NS, 2 * MEMSET_NS)
    assert (outcome.step_before_ns, outcome.step_after_ns) == (157_000, 155_000)
    assert (outcome.is_met, outcome.together, outcome.met_together, outcome.realised_ns) == (True, ("F1",), 1, 2_000)
    assert outcome.process == 7
    assert outcome.found_in == report.capture.sha256[:16]
    assert outcome.captures == (sha256(b"capture-1").hexdigest()[:16],)
    assert (outcome.model, outcome.gpu, outcome.graphs) == (None, "Test GPU", False)
    assert outcome.ratio == pytest.approx(1 / 3)


def test_what_cannot_be_measured_is_no_outcome_though_the_step_is_known(analysed: Analysed) -> None:
    report = report_of(analysed(loop(memsets=2)))
    gone = replace(report.findings[0], target=parse_target('kernel("gone").ns_per_step <= 1'))
    after = analysed(loop())
    seen = Observed([observed_as("after", after, [gone.target])], find_now(after))
    verification = verify(replace(report, findings=(gone,)), "after", seen, conditions(report))
    assert verification.findings[0].result.state is TargetState.UNKNOWN
    assert verification.findings[0].change
    assert outcomes(verification) == ()


def test_outcomes_of_what_is_not_met_have_no_gain(analysed: Analysed) -> None:
    (outcome,) = outcomes(verified(analysed(loop(memsets=2)), analysed(loop(memsets=1))))
    assert (outcome.is_met, outcome.together, outcome.met_together, outcome.realised_ns) == (False, (), 0, None)


def test_a_cpus_times_are_no_outcome(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop()))
    capture = replace(verification.report.capture, recorder="engine-cpu")
    assert outcomes(replace(verification, report=replace(verification.report, capture=capture))) == ()


def test_names_are_kept_as_a_file_can_hold_them_and_without_paths(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop()))
    capture = replace(verification.report.capture, file="/home/someone/runs/odd\udcff.sqlite")
    (outcome,) = outcomes(replace(verification, report=replace(verification.report, capture=capture)))
    assert outcome.before == "runs/odd?.sqlite"


def test_loops_whose_folders_have_the_same_names_are_told_apart_by_content(analysed: Analysed) -> None:
    found = []
    for memsets in (2, 3):
        verification = verified(analysed(loop(memsets)), analysed(loop()))
        capture = replace(verification.report.capture, file="before/capture-1.sqlite")
        found += outcomes(replace(verification, report=replace(verification.report, capture=capture)))
    one, other = found
    assert (one.before, one.after, one.finding) == (other.before, other.after, other.finding)
    assert one.identity != other.identity


def test_promises_of_a_phase_are_counted_and_findings_of_one_are_named(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop()))
    (one,) = verification.findings
    assert one.credit
    finding = replace(one.finding, number="F2")
    second = replace(one, finding=finding, credit=replace(one.credit, together=("F2", "F3")))
    third = replace(second, finding=replace(finding, number="F3"))
    found = outcomes(replace(verification, findings=(one, second, third)))
    assert [(outcome.together, outcome.met_together) for outcome in found] == [
        (("F1",), 2),
        (("F2", "F3"), 2),
        (("F2", "F3"), 2),
    ]
