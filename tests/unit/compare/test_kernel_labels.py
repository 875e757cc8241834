import pytest

from workbench.compare.kernel_labels import label_kernels, pair_label, template_arguments
from workbench.compare.matching import Relation
from workbench.compare.measurement import Kernel, Total
from workbench.compare.rows import KernelPair

MEAN = "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::MeanOps<float>, int>>(T3)"
ARG_MAX = "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::ArgMaxOps<float>, int>>(T3)"


def labels(*names: tuple[str, str]) -> list[str]:
    found = label_kernels(Kernel(long, short) for long, short in names)
    return [found[Kernel(long, short)] for long, short in names]


def test_a_short_name_that_is_the_only_one_suffices() -> None:
    assert labels(("void gemv<8>(int)", "gemv"), (MEAN, "reduce_kernel")) == ["gemv", "reduce_kernel"]


def test_what_a_kernel_was_instantiated_for_tells_it_from_others() -> None:
    assert labels((MEAN, "reduce_kernel"), (ARG_MAX, "reduce_kernel")) == [
        "reduce_kernel (Mean)",
        "reduce_kernel (ArgMax)",
    ]


def test_template_arguments_in_which_kernels_differ_are_told_and_no_others() -> None:
    longs = [f"void gemv<(int)4, (int)2, (int){size}, rows<float, {size}>, (bool)1>(T1 *)" for size in (8, 16)]
    assert labels(*((long, "gemv") for long in longs)) == [
        "gemv <…, 8, rows<float, 8>, …>",
        "gemv <…, 16, rows<float, 16>, …>",
    ]


def test_where_nothing_shorter_does_the_long_name_is_told() -> None:
    names = [("void gemv(float *)", "gemv"), ("void gemv(half *)", "gemv")]
    assert labels(*names) == [long for long, _ in names]


def test_the_same_kernel_on_both_sides_is_one() -> None:
    assert labels(("void gemv<8>(int)", "gemv"), ("void gemv<8>(int)", "gemv")) == ["gemv", "gemv"]


def test_a_kernel_without_a_name_is_none() -> None:
    assert labels(("", "")) == [""]


@pytest.mark.parametrize(
    ("long", "arguments"),
    [
        ("gemv", ()),
        ("void gemv<>(int)", ("",)),
        ("void gemv<float, (int)-1>(std::array<char, 2>)", ("float", "-1")),
        ("void <unnamed>::gemv<at::rows<float, (unsigned int)3>, f(int, int)>(int)", ("rows<float, 3>", "f(int, int)")),
        ("void gemv<float", ()),
    ],
)
def test_template_arguments_of_a_long_name(long: str, arguments: tuple[str, ...]) -> None:
    assert template_arguments(long) == arguments


SOFTMAX, CAST, FUSED = (Kernel(name, name) for name in ("softmax_fp32", "cast", "softmax_to_fp16"))
TOTAL = Total(1, 10)


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (KernelPair((SOFTMAX, CAST), (FUSED,), Relation.FUSED, TOTAL, TOTAL), "softmax_fp32 + cast -> softmax_to_fp16"),
        (KernelPair((CAST,), (CAST,), Relation.SAME, TOTAL, TOTAL), "cast"),
        (KernelPair((CAST,), (), Relation.UNPAIRED, TOTAL, None), "cast"),
        (KernelPair((), (CAST,), Relation.UNPAIRED, None, TOTAL), "cast"),
    ],
)
def test_a_pair_says_what_became_of_what(pair: KernelPair, text: str) -> None:
    assert pair_label(pair, label_kernels([SOFTMAX, CAST, FUSED])) == text
