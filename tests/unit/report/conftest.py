"""Captures to be rendered: odd ones, and what follows from them and from real ones."""

from collections.abc import Callable

import pytest

from tests.unit.report.odd_captures import ODD_CAPTURES
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rules import LayerRules
from workbench.findings.document import FindingsDocument, compile_document
from workbench.trace.export import read_export


@pytest.fixture(scope="session")
def odd(rules: LayerRules, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Analysis]:
    """An odd capture by name."""
    analyses: dict[str, Analysis] = {}

    def analysis(name: str) -> Analysis:
        if name not in analyses:
            path = ODD_CAPTURES[name]().write(tmp_path_factory.mktemp("odd") / f"{name}.sqlite")
            analyses[name] = Analysis(attribute(read_export(path, path.name), rules))
        return analyses[name]

    return analysis


@pytest.fixture(scope="session", params=ODD_CAPTURES)
def odd_capture(request: pytest.FixtureRequest, odd: Callable[[str], Analysis]) -> Analysis:
    """Each odd capture in turn."""
    return odd(request.param)


@pytest.fixture(scope="session")
def document() -> Callable[[Analysis], FindingsDocument]:
    """The findings report of a capture."""
    documents: dict[int, FindingsDocument] = {}

    def compiled(analysis: Analysis) -> FindingsDocument:
        if id(analysis) not in documents:
            documents[id(analysis)] = compile_document(analysis)
        return documents[id(analysis)]

    return compiled
