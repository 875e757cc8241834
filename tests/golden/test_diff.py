"""Comparisons of real captures: with themselves, with their own sums by nsys, and with what was done to them."""

import sqlite3
from pathlib import Path

import pytest

from tests.conftest import PROFILES, capture_path
from tests.schemas import check
from workbench.cli.comparisons import compare_sets
from workbench.compare.comparison import Comparison
from workbench.compare.matching import Relation
from workbench.compare.phase_comparison import PhaseComparison
from workbench.compression import decompress
from workbench.errors import UserError
from workbench.report.diff_json import to_json

ORACLES = Path(__file__).parent / "oracles"
WITH_SUMS = ("hf_qwen3_eager", "hf_qwen3_graph", "lc_llama3b_graphs")
ALL = (*WITH_SUMS, "engine_style")


def compared(before: Path, after: Path, *vary: str, phase: str = "decode") -> Comparison:
    comparison = compare_sets(before, after, vary, phase)
    check(to_json(comparison), "diff")
    return comparison


def phase_of(comparison: Comparison) -> PhaseComparison:
    assert comparison.phase is not None
    return comparison.phase


@pytest.mark.parametrize("name", ALL)
def test_a_capture_does_not_differ_from_itself(name: str) -> None:
    comparison = compared(PROFILES / name, PROFILES / name)
    assert comparison.is_without_difference
    assert comparison.rows
    assert phase_of(comparison).step is not None


@pytest.mark.parametrize("name", WITH_SUMS)
def test_a_capture_has_the_sums_that_nsys_gives(name: str) -> None:
    comparison = compared(PROFILES / name, ORACLES / name)
    assert not comparison.phases
    pairs = [pair for row in comparison.rows for pair in row.kernels]
    assert pairs
    assert all(pair.relation is Relation.SAME and pair.before == pair.after for pair in pairs)
    for totals in (comparison.calls, comparison.memops):
        assert totals
        for one in totals:
            assert one.before, one.name
            assert one.after, one.name
            assert (one.before.count, one.before.total_ns) == (one.after.count, one.after.total_ns)


def edited(name: str, folder: Path, statement: str, *values: object) -> Path:
    """A copy of a real capture on which an SQL statement was run."""
    path = folder / f"{name}.sqlite"
    decompress(capture_path(name), path)
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()
    return path


SLOWED = "mul_mat_vec_q"
FACTOR = 2


def test_one_slowed_family_is_all_that_differs(tmp_path: Path) -> None:
    """Kernels twice as long, though nothing else moves: they overlap what follows."""
    (tmp_path / "before").mkdir()
    before = edited("lc_llama3b_graphs", tmp_path / "before", "SELECT 1")
    after = edited(
        "lc_llama3b_graphs",
        tmp_path,
        f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = end + (end - start) * {FACTOR - 1} "
        "WHERE shortName IN (SELECT id FROM StringIds WHERE value = ?)",
        SLOWED,
    )
    comparison = compared(before, after)
    slowed = 0
    for row in comparison.rows:
        for pair in row.kernels:
            assert pair.relation is Relation.SAME
            assert pair.before
            assert pair.after
            assert pair.before.count == pair.after.count
            factor = FACTOR if pair.before_kernels[0].short == SLOWED else 1
            assert pair.after.total_ns == factor * pair.before.total_ns
            slowed += factor == FACTOR
    assert slowed
    step = phase_of(comparison).step
    assert step is not None
    assert abs(step.residual) < 1


def test_time_that_is_pushed_into_every_step_is_found_where_it_was_pushed(tmp_path: Path) -> None:
    """Everything after each slowed kernel comes as much later: the step grows by what the kernels do."""
    before = edited("hf_qwen3_graph", tmp_path, "SELECT 1").rename(tmp_path / "before.sqlite")
    after = tmp_path / "after.sqlite"
    after.write_bytes(before.read_bytes())
    delay_ns = 700
    delay_kernels(after, "Kernel2", delay_ns)
    comparison = compared(before, after)
    step = phase_of(comparison).step
    assert step is not None
    (attention,) = (part for part in step.contributions if part.label == "attention")
    assert step.wall.difference == pytest.approx(delay_ns, abs=100)
    assert attention.time.difference == pytest.approx(delay_ns)
    assert attention.split is not None
    assert attention.split.time_a_call == pytest.approx(delay_ns)
    assert attention.split.launches == attention.split.swapped == 0
    assert all(
        part.time.difference == pytest.approx(0, abs=100) for part in step.contributions if part.label != "attention"
    )
    assert step.residual == pytest.approx(0, abs=1)


def delay_kernels(path: Path, name: str, delay_ns: int) -> None:
    """Makes kernels of a name longer, and lets everything that comes after them come later."""
    tables = ("KERNEL", "MEMCPY", "MEMSET", "RUNTIME")
    with sqlite3.connect(path) as connection:
        ends = [
            end
            for (end,) in connection.execute(
                "SELECT k.end FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.shortName "
                "WHERE s.value = ? ORDER BY k.end",
                (name,),
            )
        ]
        assert ends
        connection.create_function(
            "later", 1, lambda time: time + delay_ns * sum(end <= time for end in ends), deterministic=True
        )
        for table in tables:
            connection.execute(f"UPDATE CUPTI_ACTIVITY_KIND_{table} SET start = later(start), end = later(end)")
        connection.execute("UPDATE NVTX_EVENTS SET start = later(start), end = later(end) WHERE end IS NOT NULL")
        connection.execute("UPDATE NVTX_EVENTS SET start = later(start) WHERE end IS NULL")
        connection.execute("UPDATE CUDA_GRAPH_NODE_EVENTS SET start = later(start), end = later(end)")
    connection.close()


def test_graphs_must_be_declared_to_be_compared() -> None:
    eager, graph = PROFILES / "hf_qwen3_eager", PROFILES / "hf_qwen3_graph"
    with pytest.raises(UserError, match=r"differ in graphs \(off before, on after\).*--vary"):
        compared(eager, graph)
    step = phase_of(compared(eager, graph, "graphs")).step
    assert step is not None
    idle = sum(part.time.difference for part in step.contributions if part.is_idle)
    busy = sum(part.time.difference for part in step.contributions if not part.is_idle)
    # Nearly all of it is the wait for launches; a graph's kernels take no less time.
    assert idle == pytest.approx(step.wall.difference, rel=0.02)
    assert busy > 0
    assert step.wall.is_significant is None


def test_another_model_is_named() -> None:
    with pytest.raises(UserError, match="model"):
        compared(PROFILES / "hf_qwen3_graph", PROFILES / "lc_llama3b_graphs")
