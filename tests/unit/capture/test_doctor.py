import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_nsys, fake_program
from workbench.capture import doctor
from workbench.capture.doctor import Check, examine

_PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _names(requirements: list[str]) -> set[str]:
    return {match[0] for requirement in requirements if (match := re.match(r"[\w-]+", requirement))}


def _checks(environment: dict[str, str]) -> dict[str, Check]:
    return {check.name: check for check in examine(environment)}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine with an nsys and its importer."""
    fake_program(tmp_path / "nsys/host-linux-x64/QdstrmImporter", "")
    nsys = fake_nsys(tmp_path / "nsys/target-linux-x64/nsys", "2023.4.4.54")
    return {"WB_NSYS": str(nsys), "WB_CACHE_DIR": str(tmp_path / "cache")}


def test_every_dependency_of_the_project_is_examined(environment: dict[str, str]) -> None:
    checks = _checks(environment)
    required = {name for name, check in checks.items() if check.required}
    assert _names(_PROJECT["dependencies"]) == required - {"Python", "xz"}
    assert _names(_PROJECT["optional-dependencies"]["cuda"]) <= set(checks)


def test_this_machine_has_what_is_required(environment: dict[str, str]) -> None:
    for check in _checks(environment).values():
        assert check.ok or not check.required
        assert check.ok or check.remedy
        assert check.feature
        assert check.found


def test_nsys_and_its_importer(environment: dict[str, str]) -> None:
    checks = _checks(environment)
    assert checks["nsys"].ok
    assert checks["nsys"].found == "2023.4.4.54 (named by WB_NSYS)"
    assert checks["nsys"].place == Path(environment["WB_NSYS"])
    assert checks["nsys's importer"].ok


def test_an_importer_without_its_libraries(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing_libraries", lambda nsys: ("libdw.so.1",))
    check = _checks(environment)["nsys's importer"]
    assert (check.ok, check.found) == (False, "lacks libdw.so.1")
    assert "libdw1" in check.remedy


def test_no_nsys(environment: dict[str, str], tmp_path: Path) -> None:
    checks = _checks(environment | {"WB_NSYS": str(tmp_path / "nothing")})
    assert not checks["nsys"].ok
    assert "WB_NSYS" in checks["nsys"].remedy
    assert not checks["nsys's importer"].ok
    assert not checks["nsys"].required


def test_a_cache_that_cannot_be_written(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = _checks(environment | {"WB_CACHE_DIR": str(tmp_path / "file" / "cache")})["cache folder"]
    assert not check.ok
    assert "WB_CACHE_DIR" in check.remedy


def test_the_cache_that_is_looked_at_is_the_one_of_traces(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["WB_CACHE_DIR"]
    check = _checks(environment | {"XDG_CACHE_HOME": str(tmp_path)})["cache folder"]
    assert (check.ok, check.place) == (True, tmp_path / "wb" / "traces")


@pytest.mark.parametrize(
    ("nvtx", "nsys", "ok"),
    [("0.2.11", "2023.4.4.54", True), ("0.2.12", "2023.4.4.54", False), ("0.2.17", "2025.3.1.90", True)],
)
def test_nvtx_with_nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nvtx: str, nsys: str, ok: bool) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: nvtx if name == "nvtx" else version(name))
    path = fake_nsys(tmp_path / "nsys", nsys)
    check = _checks({"WB_NSYS": str(path), "WB_CACHE_DIR": str(tmp_path)})["nvtx with nsys"]
    assert check.ok == ok
    assert ("every range is lost" in check.found) == (not ok)


def test_a_package_that_is_broken(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        if name == "numpy":
            raise RuntimeError("no symbol")

    monkeypatch.setattr(doctor, "import_module", broken)
    check = _checks(environment)["numpy"]
    assert not check.ok
    assert "cannot be imported: no symbol" in check.found


@pytest.fixture
def _no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)


@pytest.mark.usefixtures("_no_packages")
def test_what_is_missing_of_a_checkout(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Path(__file__).parents[3]
    monkeypatch.chdir(checkout)
    checks = _checks(environment)
    assert (checks["numpy"].found, checks["numpy"].remedy) == ("not installed", 'pip install -e "."')
    assert checks["cupy-cuda13x"].remedy == 'pip install -e ".[cuda]"'
    assert "nvtx with nsys" not in checks
    monkeypatch.chdir(checkout / "tests")
    assert _checks(environment)["nvtx"].remedy == 'pip install -e "..[cuda]"'


@pytest.mark.usefixtures("_no_packages")
def test_what_is_missing_where_the_package_was_installed(environment: dict[str, str], tmp_path: Path) -> None:
    checks = {check.name: check for check in examine(environment, tmp_path / "site-packages" / "workbench")}
    assert checks["numpy"].remedy.startswith("pip install adbc-driver-manager ")
    assert checks["nvtx"].remedy == 'pip install "inference-workbench[cuda]"'
    assert _PROJECT["name"] in checks["nvtx"].remedy


def test_without_a_gpu_nothing_is_said_to_need_one_that_does_not(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "describe_device", lambda: None)
    checks = _checks(environment)
    assert checks["NVIDIA GPU"].feature == "running models on a GPU, profiling programs that use a GPU"
    assert checks["nsys's importer"].feature == "profiling programs that use a GPU"
    assert "models run on NumPy" in checks["NVIDIA GPU"].remedy
