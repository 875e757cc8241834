"""Finds nsys, and tells what its importer lacks to start."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.helper_programs import output_of
from workbench.errors import UserError

VARIABLE = "WB_NSYS"
HOW_TO_INSTALL = "install NVIDIA Nsight Systems, or point WB_NSYS to its nsys"

# Where NVIDIA's installers put it. Nsight Compute and the CUDA toolkit bring one along.
_PLACES = (
    "opt/nvidia/nsight-systems*/*/target-linux-x64/nsys",
    "opt/nvidia/nsight-systems*/*/bin/nsys",
    "opt/nvidia/nsight-compute/*/host/target-linux-x64/nsys",
    "usr/local/cuda*/bin/nsys",
)
# From the folder that holds nsys.
_IMPORTERS = ("QdstrmImporter", "../host-linux*/QdstrmImporter", "../linux-desktop*/QdstrmImporter")
# Debian's and Ubuntu's packages of what importers have been seen to lack, and their names since 2024.
_PACKAGES = {
    "libdw.so.1": ("libdw1", "libdw1t64"),
    "libelf.so.1": ("libelf1", "libelf1t64"),
    "libssh.so": ("libssh-4", "libssh-4"),
    "libssh.so.4": ("libssh-4", "libssh-4"),
}


@dataclass(frozen=True)
class Nsys:
    """An nsys that answers to `--version`; `importer` turns its recordings into reports (None where unfound)."""

    path: Path
    version: tuple[int, ...]
    importer: Path | None

    @property
    def version_text(self) -> str:
        """Such as `2023.4.4.54`."""
        return ".".join(map(str, self.version))


def find_nsys(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Nsys | None:
    """The nsys that `WB_NSYS` names; else the newest of those on `$PATH` and where installers put it.

    Args:
        environment: holds `WB_NSYS` and `PATH`.
        root: the file system's root.

    Raises:
        UserError: `WB_NSYS` names a file that is no working nsys.
    """
    if named := environment.get(VARIABLE):
        nsys = _examine(Path(named))
        if nsys is None:
            raise UserError(f"{VARIABLE}={named} is no working nsys; point it to the file nsys itself, or unset it")
        return nsys
    found = [nsys for path in _candidates(environment, root) if (nsys := _examine(path)) is not None]
    return max(found, key=lambda nsys: nsys.version, default=None)


def require_nsys() -> Nsys:
    """The nsys of this machine.

    Raises:
        UserError: there is none.
    """
    nsys = find_nsys()
    if nsys is None:
        raise UserError(f"there is no nsys on this machine; {HOW_TO_INSTALL}")
    return nsys


def missing_libraries(nsys: Nsys) -> tuple[str, ...]:
    """The shared libraries that the importer asks for and this machine lacks, as `ldd` names them."""
    if nsys.importer is None:
        return ()
    lines = (output_of(["ldd", str(nsys.importer)]) or "").splitlines()
    return tuple(dict.fromkeys(line.split()[0] for line in lines if "not found" in line and line.split()))


def how_to_install(libraries: tuple[str, ...]) -> str:
    """What to do about missing libraries, for Debian and Ubuntu."""
    packages = dict.fromkeys(_PACKAGES[library] for library in libraries if library in _PACKAGES)
    if not packages:
        return f"install {' and '.join(libraries)}"
    old, new = (" ".join(names) for names in zip(*packages, strict=True))
    return f"`apt-get install {new}`" + (f", or on older systems `apt-get install {old}`" if old != new else "")


def _candidates(environment: Mapping[str, str], root: Path) -> Iterator[Path]:
    if on_path := shutil.which("nsys", path=environment.get("PATH", "")):
        yield Path(on_path)
    for place in _PLACES:
        yield from sorted(root.glob(place))


def _examine(path: Path) -> Nsys | None:
    match = re.search(r"version (\d+(?:\.\d+)+)", output_of([str(path), "--version"]) or "")
    if match is None:
        return None
    folder = path.resolve().parent
    importers = [file for pattern in _IMPORTERS for file in sorted(folder.glob(pattern))]
    version = tuple(map(int, match[1].split(".")))
    return Nsys(path, version, importers[0].resolve() if importers else None)
