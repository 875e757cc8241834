import pytest

from engine.errors import EngineError
from engine.kernels import compile as compilation
from engine.kernels import source as sources
from engine.kernels.compile import architecture, compile_source
from engine.kernels.source import KernelError, KernelSource, headers

pytest.importorskip("cuda.core")

KERNEL = """#include "twice.cuh"
#include <cuda_fp16.h>
extern "C" __global__ void scale(float* out) { out[threadIdx.x] = twice(out[threadIdx.x]) * FACTOR; }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "FOLDER", tmp_path)
    monkeypatch.setattr(compilation, "FOLDER", tmp_path)
    (tmp_path / "twice.cuh").write_text("__device__ inline float twice(float x) {\n    return 2 * x;\n}\n")
    (tmp_path / "scale.cu").write_text(KERNEL)
    return tmp_path


@pytest.mark.parametrize("arch", ["sm_80", "sm_90a", "sm_120a"])
def test_a_source_becomes_machine_code(folder, arch):
    cubin = compile_source(KernelSource("scale.cu", (("FACTOR", "3.0f"),)), arch)
    assert cubin.code.startswith(b"\x7fELF")
    assert [each.kernel for each in cubin.resources] == ["scale"]
    assert cubin.resources[0].registers > 0


def test_defines_change_the_code(folder):
    codes = {compile_source(KernelSource("scale.cu", (("FACTOR", factor),)), "sm_90a").code for factor in (3, 5)}
    assert len(codes) == 2


def test_an_error_shows_the_line_in_the_header_that_is_wrong(folder):
    (folder / "twice.cuh").write_text("__device__ inline float twice(float x) {\n    return 2 * y;\n}\n")
    with pytest.raises(KernelError) as caught:
        compile_source(KernelSource("scale.cu", (("FACTOR", 3),)), "sm_90a")
    said = str(caught.value).splitlines()
    assert said[0] == ('scale.cu -DFACTOR=3 does not compile for sm_90a: twice.cuh:2: identifier "y" is undefined')
    assert said[1].strip() == "return 2 * y;"
    assert said[2].index("^") == said[1].index("y")
    assert isinstance(caught.value, EngineError)


def test_a_source_without_macros_compiles(folder):
    (folder / "plain.cu").write_text('extern "C" __global__ void plain(int* out) { *out = 1; }\n')
    assert compile_source(KernelSource("plain.cu"), "sm_89").resources[0].kernel == "plain"


def test_a_missing_source_is_an_error(folder):
    with pytest.raises(KernelError, match=r"none\.cu cannot be read"):
        compile_source(KernelSource("none.cu"), "sm_90a")


def test_headers_are_found_in_all_folders(folder):
    (folder / "common").mkdir()
    (folder / "common/more.cuh").write_text("int more;\n")
    assert list(headers()) == ["common/more.cuh", "twice.cuh"]


@pytest.mark.parametrize(
    ("capability", "name"), [((8, 0), "sm_80"), ((8, 9), "sm_89"), ((9, 0), "sm_90a"), ((12, 0), "sm_120a")]
)
def test_chips_have_names(capability, name):
    assert architecture(*capability) == name
