from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.unit.findings.programs import D2D, D2H, DEVICE, H2D, PAGEABLE, PINNED, Program
from workbench.analysis.analysis import Analysis
from workbench.findings.measure import measure
from workbench.findings.target import MEASURES, Target, parse_target

Analysed = Callable[[Export], Analysis]


@pytest.fixture
def measured(analysed: Analysed) -> Callable[[Program, str], float | None]:
    return lambda program, target: measure(analysed(program.export), parse_target(f"{target} <= 0")).value


def loop() -> Program:
    """Four steps of everything that can be measured; the third one of a kernel more, and slow."""
    program = Program()
    for number in range(4):
        with program.step():
            with program.range("model.layers.0.self_attn.q_proj"):
                program.kernel("gemv", 10_000, wait_ns=1_000, late=True)
            with program.range("model.layers.0.self_attn.k_proj"):
                program.kernel("gemv", 6_000)
            program.kernel("add", 2_000)
            if number == 2:
                program.kernel("add", 400_000)
            program.memset(64, 500)
            program.copy(H2D, 100, 600)
            program.copy(D2D, 100_000, 700)
            program.copy(D2H, 8, 800, source=DEVICE, destination=PAGEABLE)
            program.synchronize(300)
            program.call("cudaMalloc_v3020", 40)
            program.call("cudaFree_v3020", 30)
            program.call("cuModuleLoadData", 20)
    return program


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("step.kernels", 13 / 4),
        ("step.launches", 13 / 4),
        ("step.graph_launches", 0),
        ("step.tiny_kernels", 1),
        ("step.wall_ns", 21_600),
        ("step.busy_ns", 20_600),
        ("step.launch_starved_ns", 700),
        ("step.synchronizing_ns", 300),
        ("step.in_graph_ns", 0),
        ("step.outliers", 1),
        ("step.stalls", 0),
        ("memset.calls_per_step", 1),
        ("memset.bytes_per_step", 64),
        ("memset.ns_per_step", 500),
        ("memcpy_h2d.bytes_per_step", 100),
        ("memcpy_d2d.ns_per_step", 700),
        ("memcpy_d2h.calls_per_step", 1),
        ("memcpy_small.calls_per_step", 2),
        ("memcpy_small.bytes_per_step", 108),
        ("memcpy_pageable.ns_per_step", 800),
        ("allocate.ns_per_step", 40),
        ("free.calls_per_step", 1),
        ("module_load.ns_per_step", 20),
        ("synchronize.calls_per_step", 1),
        ('kernel("gemv").calls_per_step', 2),
        ('kernel("gemv").ns_per_step', 16_000),
        ('kernel("gemv").mean_ns', 8_000),
        ('kernel("nothing").calls_per_step', 0),
        ('kernel("nothing").ns_per_step', None),
        ('kernel("nothing").mean_ns', None),
        ('pair("nothing", "add").calls_per_step', 0),
        ('pair("nothing", "no other").calls_per_step', None),
        ('projections("mlp").calls_per_layer', None),
        ('layer_type("mlp").ns_per_step', None),
        ('role("attention", "o_proj").kernels_per_layer', None),
        ('role("attention", "o_proj").kernel_names', None),
        ('pair("gemv", "add").calls_per_step', 1),
        ('pair("add", "gemv").calls_per_step', 0),
        ('projections("attention").calls_per_layer', 2),
        ('projections("attention").ns_per_step', 16_000),
        ('layer_type("attention").kernels_per_step', 2),
        ('layer_type("attention").ns_per_step', 16_000),
        ('role("attention", "q_proj").ns_per_step', 10_000),
        ('role("attention", "q_proj").kernels_per_step', 1),
        ('role("attention", "q_proj").kernels_per_layer', 1),
        ('role("attention", "q_proj").kernel_names', 1),
        ('role("attention", "q_proj").busy_ns', 10_000),
        ('role("attention", "o_proj").busy_ns', None),
        ("hidden_graphs.calls", 0),
        ("hidden_graphs.ns", 0),
    ],
)
def test_counts_are_means_and_times_are_medians(
    measured: Callable[[Program, str], float | None], target: str, value: float
) -> None:
    assert measured(loop(), target) == value


@pytest.mark.parametrize("subject", MEASURES)
def test_everything_that_can_be_written_can_be_measured(
    measured: Callable[[Program, str], float | None], subject: str
) -> None:
    count, measures = MEASURES[subject]
    kernels = {"projections": '("attention")', "layer_type": '("attention")', "role": '("attention", "q_proj")'}
    names = kernels.get(subject, ("", '("gemv")', '("gemv", "add")')[count])
    for name in measures:
        assert measured(loop(), f"{subject}{names}.{name}") is not None


def test_a_phase_that_the_capture_lacks_has_no_value(analysed: Analysed) -> None:
    result = measure(analysed(loop().export), parse_target("step.kernels <= 0 in prefill"))
    assert result.value is None
    assert result.problem == "the capture has no steps of phase prefill"


def test_the_mean_time_of_a_kernel_that_never_ran_is_unknown(analysed: Analysed) -> None:
    result = measure(analysed(loop().export), parse_target('kernel("nothing").mean_ns <= 0'))
    assert result.value is None
    assert "nothing" in result.problem


def test_a_graph_launch_counts_where_it_was_called(measured: Callable[[Program, str], float | None]) -> None:
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            for node in range(3):
                program.kernel("gemv", 1_000, wait_ns=200, node=node)
    assert measured(program, "step.graph_launches") == 1
    assert measured(program, "step.launches") == 1
    assert measured(program, "step.in_graph_ns") == 400


@pytest.mark.parametrize(("wait_ns", "share"), [(100, 1), (-100, 0)])
def test_of_kernels_that_could_overlap_those_that_do_not_are_a_share(
    measured: Callable[[Program, str], float | None], wait_ns: int, share: float
) -> None:
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            for node in range(3):
                program.kernel("gemv", 4_000, wait_ns=wait_ns if node else 0, node=node)
    assert measured(program, "step.serial_share") == share


def test_where_all_launches_come_late_nobody_knows_whether_kernels_could_overlap(analysed: Analysed) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(3):
                program.kernel("gemv", 4_000, wait_ns=1_000, late=True)
    result = measure(analysed(program.export), parse_target("step.serial_share <= 0.5"))
    assert result.value is None
    assert "launched early enough" in result.problem


def test_hidden_graphs_are_counted_in_all_phases(measured: Callable[[Program, str], float | None]) -> None:
    program = Program()
    program.hidden_graph(1_000)
    with program.step():
        program.hidden_graph(2_000)
    assert measured(program, "hidden_graphs.calls") == 2
    assert measured(program, "hidden_graphs.ns") == 3_000


@pytest.mark.parametrize(("comparison", "value"), [("<=", 9), (">=", 1), ("==", 9)])
def test_of_several_processes_the_one_furthest_from_the_target_counts(
    analysed: Analysed, comparison: str, value: float
) -> None:
    export = Export()
    for pid, kernels in ((7, 1), (8, 9), (9, 4)):
        program = Program(export, pid=pid)
        with program.step():
            for _ in range(kernels):
                program.kernel("gemv", 1_000)
    assert measure(analysed(export), Target("step", "kernels", comparison, 4)).value == value


def test_a_blocking_copy_is_measured_as_the_wait_that_it_is(measured: Callable[[Program, str], float | None]) -> None:
    program = Program()
    with program.step():
        program.kernel("gemv", 1_000)
        program.copy(D2H, 8, 1_000, blocking=True, source=DEVICE, destination=PINNED)
        program.synchronize()
    assert measured(program, "synchronize.calls_per_step") == 2
