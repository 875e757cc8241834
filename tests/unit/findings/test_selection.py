from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.unit.findings.programs import D2D, D2H, DEVICE, H2D, PAGEABLE, Program
from workbench.analysis.analysis import Analysis
from workbench.findings import selection
from workbench.findings.view import PhaseView, phase_views

Seen = Callable[[Program], PhaseView]


@pytest.fixture
def seen(analysed: Callable[[Export], Analysis]) -> Seen:
    def view(program: Program) -> PhaseView:
        return next(phase_views(analysed(program.export)))

    return view


@pytest.mark.parametrize(
    "name",
    [
        "nvjet_sm90_tst_64x64_64x13_2x1_v_bz_TNT",
        "ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_64x3_tn",
        "void gemvx::kernel<int, int, __nv_bfloat16>",
        "void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_tn_align8>",
        "void mul_mat_vec_q<(ggml_type)8, 1, false>",
        "void mul_mat_q<(ggml_type)8, 128, false>",
        "marlin::Marlin<half>",
        "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel",
    ],
)
def test_matrix_products_by_name(name: str) -> None:
    assert selection.is_matmul(name)


@pytest.mark.parametrize(
    "name",
    [
        "void cublasLt::splitKreduce_kernel<32, 16, int, __nv_bfloat16>",
        "void mul_mat_q_stream_k_fixup<(ggml_type)8, 128, false>",
        "quantize_mmq_q8_1",
        "void flash_fwd_kernel<cutlass::bfloat16_t>",
        "fmha_cutlassF_bf16_aligned_64x64_rf_sm80",
        "void rms_norm_f32<1024>",
    ],
)
def test_what_is_no_matrix_product(name: str) -> None:
    assert not selection.is_matmul(name)


def test_tiny_kernels_take_less_than_five_microseconds(seen: Seen) -> None:
    program = Program()
    with program.step():
        for duration_ns in (1, 4_999, 5_000, 50_000):
            program.kernel("add", duration_ns)
    view = seen(program)
    assert view.duration_ns(selection.tiny_kernels(view)).tolist() == [1, 4_999]


@pytest.mark.parametrize(
    ("subject", "sizes"),
    [
        ("memset", [7]),
        ("memcpy_small", [64 * 1024, 5, 6]),
        ("memcpy_pageable", [5, 6]),
        ("memcpy_h2d", [64 * 1024, 64 * 1024 + 1, 5]),
        ("memcpy_d2h", [6]),
        ("memcpy_d2d", []),
    ],
)
def test_memory_operations_by_subject(seen: Seen, subject: str, sizes: list[int]) -> None:
    program = Program()
    program.memset(1, 10)
    program.copy(D2D, 1, 10)
    with program.step():
        program.kernel("add", 1_000)
        program.memset(7, 10)
        program.copy(H2D, 64 * 1024, 10)
        program.copy(H2D, 64 * 1024 + 1, 10)
        program.copy(H2D, 5, 10, source=PAGEABLE)
        program.copy(D2H, 6, 10, source=DEVICE, destination=PAGEABLE)
    rows, found = selection.memory_operations(seen(program), subject)
    assert found.tolist() == sizes
    assert len(rows) == len(sizes)


def test_neighbours_follow_each_other_on_one_stream_within_one_step(seen: Seen) -> None:
    program = Program()
    for _ in range(2):
        with program.step():
            program.kernel("a", 1_000)
            program.kernel("beside", 1_000, stream=8)
            program.kernel("b", 1_000)
            program.memset(8, 10)
            program.kernel("c", 1_000)
    view = seen(program)
    rows, previous = selection.neighbours(view)
    pairs = [
        [view.trace.strings[name] for name in view.trace.operations.name[[one, other]]]
        for one, other in zip(previous, rows, strict=True)
    ]
    assert pairs == [["a", "b"], ["a", "b"]]


def test_kernels_are_found_by_short_and_by_long_name(seen: Seen) -> None:
    program = Program()
    with program.step():
        program.kernel("add", 1_000, long_name="add<float>")
        program.kernel("add", 2_000, long_name="add<half>")
    view = seen(program)
    assert [
        view.duration_ns(selection.kernels_named(view, name)).sum() for name in ("add", "add<half>", "add<int>")
    ] == [3_000, 2_000, 0]


def test_the_shortest_name_that_no_other_kernel_shares_is_exact(seen: Seen) -> None:
    program = Program()
    square, cube = (f"at::native::elementwise_kernel<at::native::{name}_kernel_cuda()>" for name in ("square", "cube"))
    casts = [f"at::native::elementwise_kernel<at::native::cast_kernel_cuda({kind})>" for kind in ("half", "float")]
    with program.step():
        program.kernel("add", 1_000, long_name="add<float>")
        for long_name in (square, cube, *casts):
            program.kernel("elementwise_kernel", 2_000, long_name=long_name)
    view = seen(program)
    names = [selection.exact_name(view, row) for row in view.kernels.tolist()]
    assert names == ["add", "elementwise_kernel (square)", "elementwise_kernel (cube)", *casts]
    assert [selection.kernels_named(view, name).tolist() for name in names] == [[row] for row in view.kernels.tolist()]


def test_layers_of_every_step_are_counted_by_index_else_by_range(seen: Seen) -> None:
    program = Program()
    for _ in range(2):
        with program.step():
            for layer in range(3):
                with program.range(f"model.layers.{layer}.mlp.up_proj"):
                    program.kernel("gemv", 1_000)
                with program.range(f"model.layers.{layer}.mlp.up_proj"):
                    program.kernel("gemv", 1_000)
            for _ in range(5):
                with program.range("lm_head"):
                    program.kernel("gemv", 1_000)
                    program.kernel("gemv", 1_000)
    view = seen(program)
    of_mlp, of_head = (selection.kernels_of_layers(view, layer_type) for layer_type in ("mlp", "lm_head"))
    assert (len(of_mlp), selection.layer_instances(view, of_mlp)) == (12, 6)
    assert (len(of_head), selection.layer_instances(view, of_head)) == (20, 10)
    assert selection.layer_instances(view, of_head[:0]) == 0


@pytest.mark.parametrize(("walls_us", "found"), [((4, 4, 4, 5), []), ((4, 4, 4, 6), [3]), ((4, 6, 4, 6, 6, 4, 8), [])])
def test_outliers_exceed_a_quarter_and_the_steps_own_spread(
    seen: Seen, walls_us: tuple[int, ...], found: list[int]
) -> None:
    program = Program()
    for wall_us in walls_us:
        with program.step():
            program.kernel("gemv", 1_000 * wall_us)
    assert selection.outliers(seen(program)).nonzero()[0].tolist() == found


def test_operations_are_labelled_by_name_or_kind(seen: Seen) -> None:
    program = Program()
    with program.step():
        program.kernel("add", 10)
        program.memset(8, 10)
        program.copy(H2D, 8, 10)
        program.hidden_graph(10)
    view = seen(program)
    assert selection.operation_labels(view, view.operations) == ["add", "memset", "memcpy", "graph"]
