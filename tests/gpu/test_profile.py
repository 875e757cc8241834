"""`wb profile` on a real GPU: what it records, attributed, against what nsys itself says of the same capture."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import WB, environment, wb
from workbench.trace.open import uncompressed

pytestmark = pytest.mark.gpu

PROGRAM = Path(__file__).parent / "programs" / "decode_loop.py"
# Three layers of a product, an elementwise kernel and a copy that CuPy makes a kernel or a memcpy of.
LAYERS = 3
Profile = Callable[..., Path]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Profiles the decode loop with these arguments; returns the folder of captures."""

    def run(*arguments: str, options: tuple[str, ...] = (), exit_code: int = 0) -> Path:
        done = wb("profile", *options, "--", sys.executable, str(PROGRAM), *arguments, folder=tmp_path)
        assert done.returncode == exit_code, done.stderr
        (folder,) = (tmp_path / "profiles").iterdir()
        return folder

    return run


def attributed(capture: Path, *options: str) -> dict[str, Any]:
    done = wb("attribute", capture, "--format", "json", *options, folder=capture.parent)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def phase(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [entry for entry in document["phases"] if entry["phase"] == name]
    return dict(found)


def nsys_stats(export: Path, report: str) -> list[dict[str, str]]:
    done = subprocess.run(
        ["nsys", "stats", "--quiet", "--format=csv", f"--report={report}", str(export)],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(csv.DictReader(io.StringIO(done.stdout[done.stdout.index("Time (%)") :])))


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_every_decode_kernel_is_attributed_and_all_sums_are_those_of_nsys(profile: Profile, mode: str) -> None:
    folder = profile(mode, options=("--reps", "2"))
    captures = sorted(folder.glob("capture-*"))
    assert len(captures) == 2
    for capture in captures:
        document = attributed(capture, "--by", "phase,layer_type,layer,role")
        decode = phase(document, "decode")
        assert (decode["steps"], decode["steps_source"]) == (5, "ranges")
        assert decode["attributed_ns"] == decode["kernel_ns"] > 0
        products = [row for row in document["rows"] if (row["phase"], row["role"]) == ("decode", "gate_up_proj")]
        assert sorted(row["layer"] for row in products) == list(range(LAYERS))
        assert len({row["count"] for row in products}) == 1
        with uncompressed(capture) as export:
            kernels = nsys_stats(export, "cuda_gpu_kern_sum")
        assert sum(int(row["Total Time (ns)"]) for row in kernels) == document["totals"]["kernel_ns"]
        assert sum(int(row["Instances"]) for row in kernels) == document["totals"]["kernel_count"]


def test_a_step_under_a_graph_is_one_launch(profile: Profile) -> None:
    folder = profile("graph")
    with_graph = json.loads(wb("findings", folder, "--format", "json", folder=folder).stdout)
    assert "decode_without_graphs" not in {finding["detector"] for finding in with_graph["findings"]}
    rows = attributed(folder, "--by", "step,kernel", "--phase", "decode")["rows"]
    assert {row["step"] for row in rows} == set(range(5))


def test_kernels_of_children_and_threads_are_recorded(profile: Profile) -> None:
    document = attributed(profile("eager", "--child", "--threads"))
    decode = phase(document, "decode")
    assert decode["attributed_ns"] == decode["kernel_ns"] > 0
    assert decode["steps"] == 5


def test_the_profiler_api_bounds_the_capture(profile: Profile) -> None:
    document = attributed(profile("eager", "--profiler-api", options=("--capture-range", "cudaProfilerApi")))
    assert [(entry["phase"], entry["steps"]) for entry in document["phases"]] == [("decode", 2)]


def test_a_range_bounds_the_capture(profile: Profile) -> None:
    document = attributed(profile("eager", options=("--capture-range", "nvtx:prefill@engine")))
    assert [entry["phase"] for entry in document["phases"]] == ["prefill"]


def test_delay_and_duration_bound_the_capture(profile: Profile) -> None:
    document = attributed(profile("eager", "--steps", "500", options=("--delay", "3", "--duration", "3")))
    assert 20 < phase(document, "decode")["steps"] < 200


def test_the_exit_code_is_the_programs(profile: Profile) -> None:
    document = attributed(profile("eager", "--exit-code", "5", exit_code=5))
    assert phase(document, "decode")["steps"] == 5


def test_ctrl_c_leaves_a_capture_with_its_kernels(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*WB, "profile", "--", sys.executable, str(PROGRAM), "graph", "--steps", "100000"],
        cwd=tmp_path,
        env=environment(),
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(12)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    (folder,) = (tmp_path / "profiles").iterdir()
    assert phase(attributed(folder), "decode")["steps"] > 10


def test_no_value_of_the_environment_is_in_a_capture(tmp_path: Path) -> None:
    secret = "9fK2" + "mQ7xVb4TzL8w"
    command = ["profile", "--", sys.executable, str(PROGRAM), "eager"]
    assert wb(*command, folder=tmp_path, API_TOKEN=secret).returncode == 0
    (folder,) = (tmp_path / "profiles").iterdir()
    with uncompressed(next(folder.glob("capture-*"))) as export:
        kept = export.read_bytes()
    assert b"squash" in kept
    assert secret.encode() not in kept
    assert os.environ["PATH"].encode() not in kept


def test_doctor_finds_what_profiling_needs(tmp_path: Path) -> None:
    done = wb("doctor", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "nsys" in done.stdout
