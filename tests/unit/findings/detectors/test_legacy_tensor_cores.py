import pytest

from tests.claims import interval
from tests.exports import Export
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import legacy_tensor_cores


def loop(name: str, capability: tuple[int, int] = (9, 0), duration_ns: int = 10_000) -> Program:
    """Two steps of this kernel and of another, 100 µs together."""
    program = Program(Export(capability=capability))
    for _ in range(2):
        with program.step():
            program.kernel(name, duration_ns)
            program.kernel("nvjet_sm90_tst_64x64", 100_000 - duration_ns)
    return program


def test_a_product_by_warps_on_a_gpu_with_warpgroups(look: Look) -> None:
    (finding,) = look(legacy_tensor_cores, loop("ampere_fp16_s16816gemm").export).findings
    assert finding.claim == "10% of decode's kernel time is in kernels for older tensor cores than this GPU's."
    assert finding.evidence[0].rows == (("ampere_fp16_s16816gemm", 2, 20_000, 10_000.0, 0.1),)
    assert "9.0" in finding.hypothesis
    assert interval(finding) == (0, 5_000, 100_000)
    assert str(finding.target) == 'kernel("ampere_fp16_s16816gemm").calls_per_step <= 0'


WMMA = "void wmma_gemm<half>"
OLDER = ("volta_fp16_s884gemm_fp16", "turing_h1688gemm", "cutlass_75_tensorop_h1688", "sm70_xmma_gemm")
AMPERE = ("ampere_bf16_s16816gemm", "cutlass_80_tensorop_bf16_s16816gemm", "sm80_xmma_gemm_bf16bf16")
NOT_TENSOR_CORES = ("ampere_sgemm_128x64_tn", "volta_scudnn_128x32", "cutlass_80_simt_sgemm_128x32", "norm_f32")


@pytest.mark.parametrize("capability", [(9, 0), (10, 0), (12, 0)])
@pytest.mark.parametrize("name", [WMMA, *OLDER])
def test_volta_and_turing_are_older_than_every_gpu_since_hopper(
    look: Look, name: str, capability: tuple[int, int]
) -> None:
    assert look(legacy_tensor_cores, loop(name, capability).export).findings


@pytest.mark.parametrize("name", AMPERE)
def test_ampere_is_older_than_warpgroups_but_not_than_a_gpu_without_them(look: Look, name: str) -> None:
    assert look(legacy_tensor_cores, loop(name, (9, 0)).export).findings
    assert not look(legacy_tensor_cores, loop(name, (12, 0)).export).findings


@pytest.mark.parametrize("name", NOT_TENSOR_CORES)
def test_kernels_without_tensor_cores_are_left_alone(look: Look, name: str) -> None:
    assert not look(legacy_tensor_cores, loop(name).export).findings


def test_an_older_gpu_has_nothing_better(look: Look) -> None:
    detection = look(legacy_tensor_cores, loop(AMPERE[0], (8, 0)).export)
    assert not detection.findings
    assert not detection.lacking


def test_less_than_a_hundredth_of_the_time_is_not_worth_it(look: Look) -> None:
    assert look(legacy_tensor_cores, loop(WMMA, duration_ns=1_000).export).findings
    assert not look(legacy_tensor_cores, loop(WMMA, duration_ns=999).export).findings


def test_an_unknown_gpu_is_said_to_be_unknown(look: Look) -> None:
    assert "which GPU" in look(legacy_tensor_cores, loop(WMMA, (0, 0)).export).lacking


def test_kernels_whose_names_the_export_lacks(look: Look) -> None:
    program = loop("ampere_fp16_s16816gemm")
    for kernel in program.export.rows["CUPTI_ACTIVITY_KIND_KERNEL"][1::2]:
        kernel["shortName"] = kernel["demangledName"] = 99_999
    (finding,) = look(legacy_tensor_cores, program.export).findings
    assert finding.evidence[0].rows == (("ampere_fp16_s16816gemm", 2, 20_000, 10_000.0, 0.1),)


def test_kernels_that_end_before_they_begin(look: Look) -> None:
    program = loop("ampere_fp16_s16816gemm")
    kernel = program.export.rows["CUPTI_ACTIVITY_KIND_KERNEL"][1]
    kernel["end"] = kernel["start"] - 1_000_000
    (finding,) = look(legacy_tensor_cores, program.export).findings
    assert finding.evidence[0].rows[0][1:3] == (2, 20_000)
