from dataclasses import replace

from tests.unit.report.comparisons import (
    COMPARISONS,
    capture,
    columns,
    compared,
    faster,
    phase,
    phases_of_one_side,
    side,
    slower,
    tables,
    unshown,
)
from workbench.compare.comparison import Comparison
from workbench.compare.measurement import Total
from workbench.report.diff_tables import (
    DiffTable,
    compared_rows,
    differs,
)
from workbench.report.diff_totals import (
    call_table,
    kernel_table,
    memop_table,
    shown_labels,
    totals_table,
    unpaired_table,
)


def kernels(comparison: Comparison) -> DiffTable:
    return kernel_table(comparison, compared_rows(comparison), shown_labels(comparison))


def test_the_kernels_of_rows_that_differ_are_told_a_step() -> None:
    assert columns(kernels(faster()), "kernel", "relation", "calls", "before", "after", "difference") == [
        ("softmax_fp32 + cast -> softmax_to_fp16", "fused", "4 -> 2", "120 µs", "70.0 µs", "-50.0 µs"),
        ("gemv", "same", "4", "200 µs", "212 µs", "+12.0 µs"),
        ("clip", "only after", "0 -> 1", "-", "3.00 µs", "-"),
    ]
    assert columns(kernels(slower()), "kernel", "relation", "calls")[0] == (
        ("softmax_to_fp16 -> softmax_fp32 + cast", "split", "2 -> 4")
    )


def test_long_labels_are_cut_unless_they_would_read_alike() -> None:
    kernels = [("gemv", "mlp", name, 1, 10) for name in ("s" * 100, "w" * 100 + "a", "w" * 100 + "b", "a\nb")]
    one = side("s", [capture(phase(kernels))])
    assert sorted(shown_labels(compared(one, one)).values()) == sorted(
        ["s" * 79 + "…", "w" * 100 + "a", "w" * 100 + "b", "a b"]
    )


def test_kernels_that_became_others_are_told_in_rows_without_a_difference_too() -> None:
    renamed = COMPARISONS["no_time_at_all"]()
    assert not any(map(differs, compared_rows(renamed)))
    assert columns(kernels(renamed), "kernel", "relation") == [("k -> other", "renamed")]
    assert kernels(unshown()).rows == ()


def test_kernels_without_a_partner_are_told_a_step_or_a_capture() -> None:
    comparison = phases_of_one_side()
    table = unpaired_table(comparison, shown_labels(comparison))
    assert columns(table, "phase, layer type, role", "kernel", "side", "calls", "time", "a") == [
        ("prefill mlp down_proj", "gemv", "only before", "4", "200 µs", "step"),
        ("prefill attention qkv_proj", "gemv", "only before", "4", "100 µs", "step"),
        ("prefill attention softmax", "softmax_fp32", "only before", "2", "80.0 µs", "step"),
        ("prefill attention softmax", "cast", "only before", "2", "40.0 µs", "step"),
        ("prefill norm norm", "rms_norm", "only before", "4", "20.0 µs", "step"),
        ("load mlp up_proj", "clip", "only after", "1", "3.00 µs", "capture"),
        ("warmup mlp up_proj", "clip", "only after", "1", "3.00 µs", "capture"),
    ]


def test_totals_of_tables_are_told_apart_by_whether_they_are_equal() -> None:
    comparison = tables()
    labels = shown_labels(comparison)
    assert totals_table(comparison, labels, differing=True).rows == (
        ("gemv", "same", "100", "900 µs", "800 µs", "-100 µs", "-11.1 %"),
        ("gone", "only before", "10 -> 0", "70.0 µs", "-", "-", "-"),
    )
    assert totals_table(comparison, labels, differing=False).rows == ()


def test_calls_are_told_a_step_with_what_the_gpu_waited_for_first() -> None:
    comparison = faster()
    changed = [
        replace(one, after=Total(70, 100_000, None, 0) if one.name == "cudaLaunchKernel" else None)
        for one in comparison.step_calls
    ]
    # Three captures of 10 steps are divided by 30 steps.
    table = call_table(comparison, changed)
    assert table.rows == (
        ("cudaLaunchKernel", "14 -> 2.3", "70.0 µs", "3.33 µs", "20.0 µs", "0 ns"),
        ("cudaMalloc", "1 -> 0", "9.00 µs", "-", "9.00 µs", "-"),
    )
    assert (
        "critical before" not in call_table(comparison, [replace(changed[0], before=Total(1, 1), after=None)]).headings
    )


def test_copies_are_told_a_step_with_what_they_move() -> None:
    comparison = faster()
    assert memop_table(comparison, comparison.step_memops).rows == (
        ("memcpy_d2h", "1", "1.50 µs", "1.50 µs", "4 B", "4 B"),
    )
