"""Compiles a CUDA source to machine code for one architecture, with NVRTC. No GPU is needed."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.kernels.log import Resources, explain, parse_resources
from engine.kernels.source import FOLDER, KernelError, KernelSource

STANDARD = "c++17"


@dataclass(frozen=True)
class Cubin:
    """Machine code, and what each kernel in it takes of the chip."""

    code: bytes
    resources: tuple[Resources, ...]


@dataclass(frozen=True)
class Compiler:
    """Versions of all that a compilation passes through; a cache is keyed by them."""

    nvrtc: str
    cuda_core: str
    headers: str


def architecture(major: int, minor: int) -> str:
    """The compiler's name for a compute capability, with all of the chip's own instructions where it has any."""
    return f"sm_{major}{minor}{'a' if major >= 9 else ''}"


def compile_source(source: KernelSource, arch: str) -> Cubin:
    """Compiles all kernels in a source.

    Args:
        source: its entry points are `extern "C"`.
        arch: such as `sm_90a`.

    Raises:
        KernelError: the source is wrong; the message shows the line.
        EngineError: there is no compiler.
    """
    core = _cuda_core()
    options = core.ProgramOptions(
        name=source.file,
        arch=arch,
        std=STANDARD,
        lineinfo=True,
        define_macro=[(name, str(value)) for name, value in source.defines] or None,
        include_path=[str(FOLDER), *map(str, include_folders())],
        ptxas_options=["-v"],
    )
    text, log = source.read(), io.StringIO()
    try:
        compiled = core.Program(text, "c++", options).compile("cubin", logs=log)
    except Exception as error:  # the class that cuda.core raises is private
        said = (log.getvalue() or _compilation_log(str(error))).replace(f"{FOLDER}/", "")
        raise KernelError(f"{source} does not compile for {arch}: {explain(said)}") from error
    return Cubin(bytes(compiled.code), parse_resources(log.getvalue()))


@cache
def include_folders() -> tuple[Path, ...]:
    """Where CUDA's own headers are.

    Raises:
        EngineError: they are not installed.
    """
    _cuda_core()
    from cuda.pathfinder import find_nvidia_header_directory

    folders = [find_nvidia_header_directory(library) for library in ("cudart", "cccl")]
    if folders[0] is None:
        raise EngineError("CUDA's headers are missing; install inference-workbench[cuda]")
    return tuple(Path(folder) for folder in folders if folder)


@cache
def compiler() -> Compiler:
    """What would compile now."""
    from importlib.metadata import version

    _cuda_core()
    from cuda.bindings import nvrtc

    _, major, minor = nvrtc.nvrtcVersion()
    return Compiler(f"{major}.{minor}", version("cuda-core"), _headers_version(include_folders()))


def _headers_version(folders: Iterable[Path]) -> str:
    for folder in folders:
        header = folder / "cuda_runtime_api.h"
        if header.is_file() and (found := re.search(r"#define CUDART_VERSION\s+(\d+)", header.read_text("utf-8"))):
            return found[1]
    return ""


def _compilation_log(message: str) -> str:
    """The log inside an exception of `cuda.core`, which puts the status before it."""
    return message.partition("compilation log:")[2] or message


@cache
def _cuda_core() -> Any:
    try:
        import cuda.core
    except ImportError as error:
        raise EngineError(f"the CUDA backend needs {error.name}; install inference-workbench[cuda]") from error
    return cuda.core
