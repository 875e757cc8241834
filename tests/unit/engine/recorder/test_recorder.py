import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from engine.measurement import measure
from engine.progress import silent
from engine.recorder.export import DEVICE_NAME, RECORDER_KEY, RECORDER_VALUE
from engine.recorder.recorder import Recorder, recording
from engine.workload import Workload
from tests.unit.engine.engines import tiny
from workbench.attribution.attribution import attribute
from workbench.attribution.phases import PHASES
from workbench.attribution.rule_files import load_rules
from workbench.trace.export import read_export
from workbench.trace.model import Trace

DECODE_OPERATIONS = 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("recorder") / "recorded.sqlite"
    with recording(target) as recorder:
        runner = tiny(ranges=recorder, around=recorder.around).runner
        measure(runner, Workload(None, 5, 3), [1, 2, 3, 4, 5], 2, silent)
    return target


@pytest.fixture
def export(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.fixture(scope="module")
def trace(path: Path) -> Trace:
    return read_export(path, path.name)


def test_it_says_that_it_is_of_a_cpu(export: sqlite3.Connection, trace: Trace) -> None:
    facts = dict(export.execute("SELECT name, value FROM META_DATA_EXPORT"))
    assert facts[RECORDER_KEY] == RECORDER_VALUE == "engine-cpu"
    assert [device.name for device in trace.devices] == [DEVICE_NAME]
    assert trace.devices[0].sm_count == 0
    assert not trace.info.warnings


def test_every_operation_is_a_call_and_a_kernel(export: sqlite3.Connection, trace: Trace) -> None:
    joined = export.execute(
        "SELECT k.start, k.end, c.start, c.end, k.globalPid, c.globalTid & ~16777215, s.value "
        "FROM CUPTI_ACTIVITY_KIND_KERNEL AS k JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS c USING (correlationId) "
        "JOIN StringIds AS s ON s.id = k.shortName ORDER BY k.start"
    ).fetchall()
    assert len(joined) == len(trace.operations) == len(trace.calls)
    assert all(row[0] == row[2] < row[1] == row[3] and row[4] == row[5] for row in joined)
    assert all(before[1] <= after[0] for before, after in pairwise(joined))
    names = [row[6] for row in joined]
    assert names[0] == "numpy_embed"
    assert {"numpy_project", "numpy_attend", "numpy_sample", "numpy_last_row"} <= set(names)


def test_the_workbench_attributes_all_of_it(trace: Trace) -> None:
    attribution = attribute(trace, load_rules())
    assert (attribution.leaf >= 0).all()
    steps = attribution.placement.steps
    found = sorted((PHASES[phase], int(number)) for phase, number in zip(steps.phase, steps.number, strict=True))
    assert found == [*(("decode", number) for number in range(6)), ("prefill", 0), ("prefill", 1)]


def test_ranges_are_the_engines(export: sqlite3.Connection) -> None:
    (domain,) = export.execute("SELECT text FROM NVTX_EVENTS WHERE eventType = 75").fetchone()
    assert domain == "engine"
    categories = {text for (text,) in export.execute("SELECT text FROM NVTX_EVENTS WHERE eventType = 33")}
    assert categories == {"embedding", "attention", "mlp", "norm", "lm_head", "sampling", "weights"}
    steps = export.execute(
        "SELECT int64Value FROM NVTX_EVENTS WHERE eventType = 59 AND text = 'decode' ORDER BY start"
    ).fetchall()
    assert steps == [(number,) for number in range(6)]
    inside = export.execute(
        "SELECT count(*) FROM NVTX_EVENTS AS o JOIN NVTX_EVENTS AS d ON o.start >= d.start AND o.end <= d.end "
        "WHERE d.text = 'decode' AND d.int64Value = 2 AND o.category IS NOT NULL"
    ).fetchone()
    assert inside == (DECODE_OPERATIONS,)


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "a.sqlite"

    def fail() -> None:
        with recording(target):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_without_operations_can_be_written(tmp_path: Path) -> None:
    with recording(tmp_path / "a.sqlite") as recorder:
        assert isinstance(recorder, Recorder)
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL").fetchone() == (0,)
