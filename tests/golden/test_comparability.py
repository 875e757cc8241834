"""Which of the real captures may be compared."""

from collections.abc import Callable

import pytest

from tests.conftest import PROFILES
from workbench.analysis.analysis import Analysis
from workbench.compare.comparability import Kind, differences, refuse_incomparable
from workbench.compare.fingerprint import Fingerprint, fingerprint
from workbench.errors import UserError
from workbench.manifest import read_manifest

Real = Callable[[str], Analysis]


@pytest.fixture(params=[True, False], ids=["with manifests", "without"])
def of(request: pytest.FixtureRequest, real: Real) -> Callable[[str], Fingerprint]:
    """What a capture was made of, by its manifest and its trace, or by its trace alone."""
    return lambda name: fingerprint(read_manifest(PROFILES / name) if request.param else None, real(name))


def refused(before: Fingerprint, after: Fingerprint, *vary: str) -> dict[str, Kind]:
    found = {one.field: one.kind for one in differences(before, after, vary)}
    return {field: kind for field, kind in found.items() if kind in (Kind.REFUSED, Kind.VARIED)}


def test_eager_against_graphs_is_refused_unless_graphs_are_under_test(of: Callable[[str], Fingerprint]) -> None:
    eager, graph = of("hf_qwen3_eager"), of("hf_qwen3_graph")
    with pytest.raises(UserError, match=r"graphs \(off before, on after\).* --vary graphs, or"):
        refuse_incomparable(differences(eager, graph, ("commit",)), ("commit",))
    refuse_incomparable(differences(eager, graph, ("graphs",)), ("graphs",))
    assert refused(eager, graph, "graphs") == {"graphs": Kind.VARIED}


def test_another_model_is_refused_by_name(real: Real) -> None:
    qwen, llama = (
        fingerprint(read_manifest(PROFILES / name), real(name)) for name in ("hf_qwen3_eager", "lc_llama3b_graphs")
    )
    with pytest.raises(UserError, match=r"model \(Qwen3-0\.6B's shape before, Llama-3\.2-3B's shape after\), .*graphs"):
        refuse_incomparable(differences(qwen, llama, ("commit",)), ("commit",))


def test_another_model_is_refused_by_its_layers(real: Real) -> None:
    qwen, own = (fingerprint(None, real(name)) for name in ("hf_qwen3_graph", "engine_style"))
    assert refused(qwen, own, "commit") == {"model": Kind.REFUSED}
    told = fingerprint(read_manifest(PROFILES / "hf_qwen3_graph"), real("hf_qwen3_graph"))
    assert "model" not in refused(told, qwen)
