import pytest

from workbench.findings.names import counted, readable, rounded, short_of, spellings

WMMA = "cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_tn_align8"
REDUCE = "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::MeanOps<float>, int>>"


@pytest.mark.parametrize(
    ("short", "long", "name"),
    [
        ("gemv", "void gemv<float>(int)", "gemv"),
        ("reduce_kernel", REDUCE, "reduce_kernel (Mean)"),
        ("silu_kernel", "void at::native::silu_kernel<at::native::silu_kernel_impl>", "silu_kernel"),
        ("Kernel2", f"void cutlass::Kernel2<{WMMA}>({WMMA}::Params)", f"Kernel2 ({WMMA[:62]}…"),
        ("device_kernel", "void cutlass::device_kernel<flash::FlashFwd<float>>", "device_kernel (FlashFwd)"),
        ("k" * 72, "", "k" * 72),
        ("k" * 73, "", "k" * 71 + "…"),
    ],
)
def test_names_as_people_read_them(short: str, long: str, name: str) -> None:
    assert readable(short, long) == name


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("gemv", "gemv"),
        ("void gemv<float>(int)", "gemv"),
        (REDUCE, "reduce_kernel"),
        ("void at::native::(anonymous namespace)::CatArrayBatchedCopy<int>(T1 *)", "CatArrayBatchedCopy"),
    ],
)
def test_the_name_of_the_function_alone(long: str, short: str) -> None:
    assert short_of(long) == short


def test_targets_know_a_kernel_by_its_short_its_telling_and_its_long_name() -> None:
    assert spellings("reduce_kernel", REDUCE) == ("reduce_kernel", "reduce_kernel (Mean)", REDUCE)


@pytest.mark.parametrize(
    ("number", "text"), [(0.5, "0.5"), (1.0, "1"), (2.04, "2"), (2.06, "2.1"), (9.94, "9.9"), (224.6, "225")]
)
def test_mean_counts_have_a_decimal_where_it_tells(number: float, text: str) -> None:
    assert rounded(number) == text


def test_one_call_and_many_calls() -> None:
    assert [counted(number, "call") for number in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
