"""Every number of a finding's evidence is what its SQL yields on the export; every target is unmet, and measurable."""

import sqlite3
from collections.abc import Callable

import pytest

from tests.claims import assert_holds
from tests.conftest import CAPTURES
from workbench.analysis.analysis import Analysis
from workbench.findings.find import DETECTORS, find

Real = Callable[[str], Analysis]


@pytest.mark.parametrize("capture", CAPTURES)
def test_findings_hold_where_they_were_found(
    real: Real, real_database: Callable[[str], sqlite3.Connection], capture: str
) -> None:
    for finding in find(real(capture)).findings:
        assert_holds(finding, real(capture), real_database(capture))


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_detector_answers(real: Real, capture: str) -> None:
    findings = find(real(capture))
    spoke = {finding.detector for finding in findings.findings} | set(findings.lacking) | set(findings.silent)
    assert len(spoke) == len(DETECTORS)
