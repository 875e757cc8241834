"""Fixtures that many tests share."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.rule_files import load_rules
from workbench.attribution.rules import LayerRules
from workbench.trace.export import read_export
from workbench.trace.model import Trace
from workbench.trace.open import open_trace, uncompressed

PROFILES = Path(__file__).parent.parent / "profiles"
CAPTURES = (
    "hf_qwen3_eager",
    "hf_qwen3_graph",
    "cupy_nodes",
    "cupy_graph_level",
    "engine_style",
    "lc_llama3b_graphs",
)


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("WB_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def rules() -> LayerRules:
    return load_rules()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Export], Trace]:
    """Writes an export and reads it."""

    def write_and_read(export: Export) -> Trace:
        path = tmp_path / f"export-{len(list(tmp_path.iterdir()))}.sqlite"
        return read_export(export.write(path), path.name)

    return write_and_read


@pytest.fixture
def attributed(read: Callable[[Export], Trace], rules: LayerRules) -> Callable[[Export], Attribution]:
    """Writes an export, reads and attributes it."""
    return lambda export: attribute(read(export), rules)


@pytest.fixture
def analysed(attributed: Callable[[Export], Attribution]) -> Callable[[Export], Analysis]:
    """Writes an export, reads, attributes and analyses it."""
    return lambda export: Analysis(attributed(export))


def capture_path(name: str) -> Path:
    """A capture that is kept in profiles/."""
    return PROFILES / name / "capture-1.sqlite.xz"


@pytest.fixture(scope="session", params=CAPTURES)
def real_capture(request: pytest.FixtureRequest) -> Analysis:
    """Each real capture in turn."""
    return _analysis(request.param)


_ANALYSES: dict[str, Analysis] = {}


def _analysis(name: str) -> Analysis:
    if name not in _ANALYSES:
        _ANALYSES[name] = Analysis(attribute(open_trace(capture_path(name)), load_rules()))
    return _ANALYSES[name]


@pytest.fixture(scope="session")
def real() -> Callable[[str], Analysis]:
    """A real capture by name."""
    return _analysis


@pytest.fixture(scope="session")
def real_database() -> Iterator[Callable[[str], sqlite3.Connection]]:
    """A connection to a real capture's export, by name."""
    stack = []

    def connect(name: str) -> sqlite3.Connection:
        context = uncompressed(capture_path(name))
        connection = sqlite3.connect(context.__enter__())
        stack.append((context, connection))
        return connection

    yield connect
    for context, connection in stack:
        connection.close()
        context.__exit__(None, None, None)
