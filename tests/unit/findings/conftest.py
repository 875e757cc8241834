"""Runs detectors on the programs of these tests."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType

import pytest

from tests.claims import assert_holds
from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rules import LayerRules
from workbench.findings.finding import Detection
from workbench.trace.export import read_export

Look = Callable[[ModuleType, Export], Detection]
Opened = Callable[[Export], tuple[Analysis, sqlite3.Connection]]


@pytest.fixture
def opened(tmp_path: Path, rules: LayerRules) -> Iterator[Opened]:
    """Writes an export; analyses it, and connects to it."""
    with ExitStack() as stack:

        def write_and_open(export: Export) -> tuple[Analysis, sqlite3.Connection]:
            path = export.write(tmp_path / f"export-{len(list(tmp_path.iterdir()))}.sqlite")
            database = stack.enter_context(closing(sqlite3.connect(path)))
            return Analysis(attribute(read_export(path, path.name), rules)), database

        yield write_and_open


@pytest.fixture
def look(opened: Opened) -> Look:
    """Runs a detector on an export, and holds everything it finds against that export."""

    def open_and_look(detector: ModuleType, export: Export) -> Detection:
        analysis, database = opened(export)
        detection: Detection = detector.detect(analysis)
        for finding in detection.findings:
            assert_holds(finding, analysis, database)
        return detection

    return open_and_look
