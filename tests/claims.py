"""Holds findings against the capture they were found in: evidence by its SQL, the target, the gain."""

import math
import sqlite3

from workbench.analysis.analysis import Analysis
from workbench.findings.finding import CallTime, Cell, Evidence, Finding, Gain
from workbench.findings.measure import measure
from workbench.findings.target import parse_target


def assert_holds(finding: Finding, analysis: Analysis, database: sqlite3.Connection) -> None:
    """The finding's evidence is what its SQL yields on the export, its target is unmet, its gain an interval."""
    for evidence in finding.evidence:
        assert_reproduced(evidence, database)
    assert_unmet(finding, analysis)
    if finding.gain:
        assert_interval(finding.gain)
    if finding.call_time:
        assert_divided(finding.call_time)


def assert_reproduced(evidence: Evidence, database: sqlite3.Connection) -> None:
    rows = database.execute(evidence.sql).fetchall()
    assert len(rows) == len(evidence.rows) > 0, evidence.sql
    for ours, theirs in zip(evidence.rows, rows, strict=True):
        assert len(ours) == len(theirs) == len(evidence.columns)
        assert all(map(_is_same, ours, theirs)), (evidence.title, ours, theirs)


def _is_same(one: Cell, other: Cell) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other and type(one) is type(other)


def assert_unmet(finding: Finding, analysis: Analysis) -> None:
    measured = measure(analysis, finding.target)
    assert measured.value is not None, measured.problem
    assert not finding.target.is_met_by(measured.value), (str(finding.target), measured.value)
    assert parse_target(str(finding.target)) == finding.target


def interval(finding: Finding) -> tuple[int, int, int]:
    """What a finding promises at least and at most, and the step that it is off."""
    assert finding.gain
    return finding.gain.low_ns, finding.gain.high_ns, finding.gain.step_ns


def assert_interval(gain: Gain) -> None:
    assert 0 <= gain.low_ns <= gain.high_ns <= gain.step_ns
    assert gain.basis


def assert_divided(time: CallTime) -> None:
    assert min(time.critical_ns, time.hidden_ns) >= 0
    assert time.critical_ns + time.hidden_ns <= time.total_ns
