from typing import Any

import pytest

from engine import device
from workbench.cli import engine_check


@pytest.fixture
def with_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_check, "_missing_parts", list)


@pytest.mark.usefixtures("with_all_parts")
def test_with_a_gpu_and_all_parts_it_runs_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_count", lambda: 1)
    check = engine_check.engine_check()
    assert (check.ok, check.found) == (True, "runs on the GPU")


@pytest.mark.usefixtures("with_all_parts")
def test_without_a_gpu_it_runs_on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_count", lambda: 0)
    check = engine_check.engine_check()
    assert (check.ok, check.required) == (False, False)
    assert check.found == "runs on NumPy: there is no NVIDIA GPU that this process can use"
    assert "a machine with an NVIDIA GPU" in check.remedy


def test_parts_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: Any, **__: Any) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(engine_check, "import_module", refuse)
    monkeypatch.setattr(engine_check, "_has_nvrtc", lambda: False)
    missing = ["cuda-core", "cupy-cuda13x", "nvmath-python", "nvtx", "NVRTC"]
    assert engine_check._missing_parts() == missing
    monkeypatch.setattr(device, "gpu_count", lambda: 1)
    check = engine_check.engine_check()
    assert check.found == f"runs on NumPy: {' and '.join(missing)} cannot be used"
    assert check.remedy == "install what is missing above"
    monkeypatch.setattr(device, "gpu_count", lambda: 0)
    assert "a machine with an NVIDIA GPU" in engine_check.engine_check().remedy
