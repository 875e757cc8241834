"""Examines the machine: what is there, what is missing, which feature that costs, and what mends it."""

import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

from workbench.cache_folder import traces_folder
from workbench.capture.machine import describe_device
from workbench.capture.nsys import HOW_TO_INSTALL, VARIABLE, Nsys, find_nsys, how_to_install, missing_libraries
from workbench.errors import UserError

_OLDEST_PYTHON = (3, 11)
# What each distribution is for, by its name; the module that it brings.
_REQUIRED = {
    "adbc-driver-manager": ("adbc_driver_manager", "reading captures"),
    "adbc-driver-sqlite": ("adbc_driver_sqlite", "reading captures"),
    "jinja2": ("jinja2", "reports"),
    "numpy": ("numpy", "reading captures"),
    "pyarrow": ("pyarrow", "reading captures, .sqlite.zst files and the cache"),
    "pyyaml": ("yaml", "layer rules"),
    "rich": ("rich", "the terminal"),
    "tokenizers": ("tokenizers", "texts of models"),
    "typer": ("typer", "the command line"),
}
_OPTIONAL = {
    "cuda-bindings": ("cuda.bindings", "running models on a GPU"),
    "cuda-core": ("cuda.core", "running models on a GPU"),
    "cuda-toolkit": ("cuda.bindings.nvrtc", "compiling kernels"),
    "cupy-cuda13x": ("cupy", "running models on a GPU"),
    "nvmath-python": ("nvmath", "running models on a GPU"),
    "nvtx": ("nvtx", "ranges in Python programs"),
}
_PROFILING = "profiling programs that use a GPU"
_PROJECT = "inference-workbench"
# Later releases of nvtx send events that an nsys up to 2023.4 drops, without a word.
_LAST_NVTX_FOR_OLD_NSYS = (0, 2, 11)
_LAST_OLD_NSYS = (2023, 4)


@dataclass(frozen=True)
class Check:
    """One thing that was looked for.

    Attributes:
        name: what.
        ok: it is there and works.
        found: its version, or why it is not there.
        feature: what it is for.
        remedy: what to do where it is not ok.
        required: nothing works without it.
        place: the file or folder that it is; None for what is none.
    """

    name: str
    ok: bool
    found: str
    feature: str
    remedy: str = ""
    required: bool = False
    place: Path | None = None


def examine(
    environment: Mapping[str, str] = os.environ, package: Path = Path(__file__).parents[1]
) -> tuple[Check, ...]:
    """Looks at everything the workbench can use.

    Args:
        environment: holds `PATH` and the workbench's own variables.
        package: the folder of the package `workbench`.
    """
    nsys, how_to_get_nsys = _find_nsys(environment)
    required, optional = _install(package, _REQUIRED), _install(package, _OPTIONAL, "cuda")
    return (
        _python(),
        *(_package(name, *about, remedy=required, required=True) for name, about in _REQUIRED.items()),
        _xz(),
        _cache(environment),
        _nsys(nsys, how_to_get_nsys, is_named=bool(environment.get(VARIABLE))),
        _importer(nsys, how_to_get_nsys),
        _gpu(),
        *(_package(name, *about, remedy=optional) for name, about in _OPTIONAL.items()),
        *_nvtx_and_nsys(nsys),
    )


def _python() -> Check:
    ok = sys.version_info >= _OLDEST_PYTHON
    remedy = f"install Python {'.'.join(map(str, _OLDEST_PYTHON))} or later"
    return Check("Python", ok, platform.python_version(), "everything", remedy, required=True)


def _install(package: Path, distributions: Iterable[str], extra: str = "") -> str:
    """The command that installs these: the project's dependencies, or those of its extra."""
    project = package.parent
    if not (project / "pyproject.toml").is_file():
        # Of an installed project, pip knows the extras without an index.
        return f'pip install "{_PROJECT}[{extra}]"' if extra else f"pip install {shlex.join(distributions)}"
    extras = f"[{extra}]" if extra else ""
    return f'pip install -e "{_from_here(project)}{extras}"'


def _from_here(folder: Path) -> str:
    """A path that is short where the current folder is near."""
    try:
        return min(os.path.relpath(folder), str(folder), key=len)
    except ValueError:  # on another drive of Windows
        return str(folder)


def _package(name: str, module: str, feature: str, *, remedy: str, required: bool = False) -> Check:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name, False, "not installed", feature, remedy, required)
    try:
        import_module(module)
    except Exception as error:  # a broken package may fail in any way
        reason = " ".join(str(error).split())[:200]
        repair = f"pip install --force-reinstall {name}"
        return Check(name, False, f"{version}, which cannot be imported: {reason}", feature, repair, required)
    return Check(name, True, version, feature, required=required)


def _xz() -> Check:
    feature = ".sqlite.xz files"
    try:
        import_module("lzma")
    except ImportError:
        remedy = "install liblzma (`apt-get install liblzma-dev`) and build Python again"
        return Check("xz", False, "this Python was built without it", feature, remedy, required=True)
    return Check("xz", True, "in Python", feature, required=True)


def _cache(environment: Mapping[str, str]) -> Check:
    folder = traces_folder(environment)
    feature = "opening a capture again at once"
    if folder is None:
        return Check("cache folder", False, "the user has no home", feature, "set WB_CACHE_DIR to a folder of yours")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        remedy = f"make {folder} writable, or set WB_CACHE_DIR to a folder that is"
        return Check("cache folder", False, error.strerror or str(error), feature, remedy, place=folder)
    return Check("cache folder", True, "can be written", feature, place=folder)


def _find_nsys(environment: Mapping[str, str]) -> tuple[Nsys | None, str]:
    """The nsys, and how to get one where there is none."""
    try:
        return find_nsys(environment), HOW_TO_INSTALL
    except UserError as error:
        return None, str(error)


def _nsys(nsys: Nsys | None, how_to_get: str, *, is_named: bool) -> Check:
    feature = f"{_PROFILING}, and reading .nsys-rep files"
    if nsys is None:
        return Check("nsys", False, "not found", feature, how_to_get)
    chosen = f"named by {VARIABLE}" if is_named else f"{VARIABLE} can name another"
    return Check("nsys", True, f"{nsys.version_text} ({chosen})", feature, place=nsys.path)


def _importer(nsys: Nsys | None, how_to_get: str) -> Check:
    name, feature = "nsys's importer", _PROFILING
    if nsys is None:
        return Check(name, False, "no nsys", feature, how_to_get)
    if nsys.importer is None:
        remedy = "install all of Nsight Systems, its host part too"
        return Check(name, False, "not found beside nsys", feature, remedy)
    libraries = missing_libraries(nsys)
    if libraries:
        return Check(name, False, f"lacks {', '.join(libraries)}", feature, how_to_install(libraries))
    return Check(name, True, "all its libraries are there", feature)


def _gpu() -> Check:
    device, feature = describe_device(), f"running models on a GPU, {_PROFILING}"
    if device is None:
        remedy = (
            "install NVIDIA's driver, or use a machine that has a GPU; captures are read anywhere, and models run on "
            "NumPy"
        )
        return Check("NVIDIA GPU", False, "nvidia-smi lists none", feature, remedy)
    names = ", ".join(gpu.name for gpu in device.gpus)
    return Check("NVIDIA GPU", True, f"{names}; driver {device.driver}, CUDA {device.cuda}", feature)


def _nvtx_and_nsys(nsys: Nsys | None) -> tuple[Check, ...]:
    """Whether the two understand each other; nothing where one of them is missing."""
    try:
        nvtx = metadata.version("nvtx")
    except metadata.PackageNotFoundError:
        return ()
    if nsys is None:
        return ()
    name, feature, found = "nvtx with nsys", "ranges in Python programs", f"nvtx {nvtx}, nsys {nsys.version_text}"
    if nsys.version[:2] <= _LAST_OLD_NSYS and _numbers(nvtx) > _LAST_NVTX_FOR_OLD_NSYS:
        last = ".".join(map(str, _LAST_NVTX_FOR_OLD_NSYS))
        remedy = f"pip install nvtx=={last}, or install an nsys newer than {'.'.join(map(str, _LAST_OLD_NSYS))}"
        return (Check(name, False, f"{found}: every range is lost", feature, remedy),)
    return (Check(name, True, found, feature),)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
