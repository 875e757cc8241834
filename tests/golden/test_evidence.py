"""Every number of a finding's evidence is what its SQL yields on the export; every target is unmet, and measurable."""

import math
import sqlite3
from collections.abc import Callable

import pytest

from tests.conftest import CAPTURES
from workbench.analysis.analysis import Analysis
from workbench.findings.find import DETECTORS, find
from workbench.findings.measure import measure
from workbench.findings.target import parse_target

Real = Callable[[str], Analysis]


@pytest.mark.parametrize("capture", CAPTURES)
def test_sql_reproduces_evidence(real: Real, real_database: Callable[[str], sqlite3.Connection], capture: str) -> None:
    database = real_database(capture)
    findings = find(real(capture)).findings
    for finding in findings:
        for evidence in finding.evidence:
            rows = database.execute(evidence.sql).fetchall()
            assert len(rows) == len(evidence.rows) > 0, evidence.sql
            for ours, theirs in zip(evidence.rows, rows, strict=True):
                assert len(ours) == len(theirs) == len(evidence.columns)
                for one, other in zip(ours, theirs, strict=True):
                    equal = math.isclose(one, other, rel_tol=1e-12) if isinstance(one, float) else one == other
                    assert equal, (finding.detector, evidence.title, ours, theirs)


@pytest.mark.parametrize("capture", CAPTURES)
def test_targets_are_unmet_where_they_were_set(real: Real, capture: str) -> None:
    analysis = real(capture)
    for finding in find(analysis).findings:
        measured = measure(analysis, finding.target)
        assert measured.value is not None, measured.problem
        assert not finding.target.is_met_by(measured.value), str(finding.target)
        assert parse_target(str(finding.target)) == finding.target


@pytest.mark.parametrize("capture", CAPTURES)
def test_gains_are_intervals_within_the_step(real: Real, capture: str) -> None:
    for finding in find(real(capture)).findings:
        if finding.gain:
            assert 0 <= finding.gain.low_ns <= finding.gain.high_ns <= finding.gain.step_ns
            assert finding.gain.basis


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_detector_answers(real: Real, capture: str) -> None:
    findings = find(real(capture))
    spoke = {finding.detector for finding in findings.findings} | set(findings.lacking) | set(findings.silent)
    assert len(spoke) == len(DETECTORS)
