"""Captures without their annotation: what is inferred must be what the ranges, or the graphs, had said."""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import capture_path
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.phases import DECODE, PREFILL
from workbench.attribution.rules import LayerRules
from workbench.trace.export import read_export
from workbench.trace.model import NONE
from workbench.trace.open import uncompressed

Altered = Callable[[str, str], Attribution]


@pytest.fixture
def altered(tmp_path: Path, rules: LayerRules) -> Altered:
    """A real capture on which a SQL statement was run."""

    def alter(name: str, statement: str) -> Attribution:
        path = tmp_path / "altered.sqlite"
        with uncompressed(capture_path(name)) as original:
            shutil.copy(original, path)
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()
        return attribute(read_export(path, path.name), rules)

    return alter


def test_transformers_without_ranges(altered: Altered, real: Callable[[str], Analysis]) -> None:
    """Each inferred step is one of the annotated ones, with all of its kernels.

    The prefill takes a few kernels in besides that run just before it and occur in steps, too.
    """
    inferred = altered("hf_qwen3_eager", "DROP TABLE NVTX_EVENTS").placement
    annotated = real("hf_qwen3_eager").attribution.placement
    assert np.count_nonzero(annotated.steps.phase == DECODE) == 8
    assert inferred.steps.phase.tolist() == annotated.steps.phase.tolist() == [PREFILL, *[DECODE] * 8]
    kernels = len(real("hf_qwen3_eager").trace.kernels)
    pairs = Counter(zip(inferred.step[:kernels].tolist(), annotated.step[:kernels].tolist(), strict=True))
    assert pairs.pop((0, NONE), 0) <= 8
    assert set(pairs) == {(row, row) for row in range(NONE, 9)}
    assert set(inferred.sources.values()) == {"inferred"}


def test_llama_cpp_without_graphs(altered: Altered) -> None:
    """Launched kernel by kernel the warm-up passes of the bench can no longer be told from what it measures."""
    attribution = altered("lc_llama3b_graphs", "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET graphNodeId = NULL")
    placement = attribution.placement
    decode = np.flatnonzero(placement.steps.phase == DECODE)
    assert len(decode) in (24, 25)
    kernels = placement.step[: len(attribution.trace.kernels)]
    assert {int(np.count_nonzero(kernels == step)) for step in decode} == {538}
    prefill = np.flatnonzero(placement.steps.phase == PREFILL)
    assert {int(np.count_nonzero(kernels == step)) for step in prefill} == {866}
