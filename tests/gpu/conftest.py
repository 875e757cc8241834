"""What the GPU tests need; each is skipped where one of these is missing, and says which."""

import importlib.util
import shutil

import pytest


@pytest.fixture(scope="session", autouse=True)
def _gpu() -> None:
    for package in ("cupy", "nvtx"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the Python package {package} is not installed")
    if shutil.which("nsys") is None:
        pytest.skip("there is no nsys in PATH")
    import cupy

    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        pytest.skip(f"there is no usable NVIDIA GPU ({error})")
