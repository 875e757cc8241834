"""The manifest of a capture folder: what was run, on what, and which files came of it.

`workbench/schemas/manifest.schema.json` describes the file; the dataclasses here are its objects, one for one.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from workbench.decoding import MismatchError, NestingError, decode, parse_json
from workbench.errors import UserError
from workbench.files import UnsuitableFileError, read_ordinary_file

FILE_NAME = "manifest.json"
SCHEMA = "wb.manifest/1"
_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Program:
    """What was run: the command line, with folders left out, and secrets and values of the environment masked.

    Empty where it is unknown, as for a capture that was recorded without `wb profile`.
    """

    command: tuple[str, ...]


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver saw it before the first run. A value the driver does not tell is None."""

    name: str
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    max_sm_clock_mhz: int | None
    max_memory_clock_mhz: int | None
    performance_state: str | None
    power_limit_w: float | None


@dataclass(frozen=True)
class Device:
    """The machine's GPUs, in the driver's order, and the versions of driver and CUDA (None where untold)."""

    driver: str | None
    cuda: str | None
    gpus: tuple[Gpu, ...]


@dataclass(frozen=True)
class Host:
    """What Python calls the machine; never its name."""

    platform: str
    python: str


@dataclass(frozen=True)
class Profiler:
    """The nsys that recorded, and the flags that it was given."""

    version: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Commit:
    """The commit of the repository in which the program was started, and whether files differed from it."""

    sha: str
    dirty: bool


@dataclass(frozen=True)
class Speed:
    """What a workload took, one entry a run; `decode_ns` is for all of its `decode_steps`."""

    prefill_ns: tuple[int, ...]
    decode_ns: tuple[int, ...]
    decode_steps: int


@dataclass(frozen=True)
class Slowdown:
    """How many times as long it took while it was profiled: a median over a median; None where that cannot be told."""

    prefill: float | None
    decode: float | None


@dataclass(frozen=True)
class CaptureFile:
    """One capture of the folder.

    Attributes:
        file: its name in the folder.
        sha256: of the file as stored, in hexadecimal.
        size_bytes: of the file as stored.
        repetition: which run it records, from 1.
        exit_code: the program's own (128 + n after signal n); None if it never gave one.
        duration_s: from the program's start to its end, profiler included; None where it is unknown.
        interrupted: the user stopped this run.
    """

    file: str
    sha256: str
    size_bytes: int
    repetition: int
    exit_code: int | None
    duration_s: float | None
    interrupted: bool


@dataclass(frozen=True)
class Manifest:
    """What is known of the captures in one folder.

    Attributes:
        created_utc: when the first run started, ISO 8601.
        program: what was run.
        workload: what the program says of its own work (model, shapes, results ...), in its own words.
        device: the GPUs; None where there is no NVIDIA driver.
        host: the machine; None where it is unknown.
        nsys: the profiler; None where the program recorded itself.
        commit: None outside a repository.
        captures: one entry a finished run, in order.
        warnings: what the user was told while they were made, one sentence each.
        scrubbed: environment, process names and paths are removed from all of them.
        unprofiled: the program's speed without the profiler, measured before; None where it was not.
        profiled: its speed in the captures; None where it did not tell.
        slowdown: the one against the other; None where runs are too few or too uneven to tell.
        notice: what must be said first of whatever is made from them, a sentence; None where there is nothing.
    """

    created_utc: str
    program: Program
    workload: dict[str, Any] | None
    device: Device | None
    host: Host | None
    nsys: Profiler | None
    commit: Commit | None
    captures: tuple[CaptureFile, ...]
    warnings: tuple[str, ...] = ()
    scrubbed: bool = True
    unprofiled: Speed | None = None
    profiled: Speed | None = None
    slowdown: Slowdown | None = None
    notice: str | None = None
    schema: ClassVar[str] = SCHEMA

    def to_json(self) -> str:
        """The text of the manifest's file."""
        content = asdict(self)
        notice = content.pop("notice")
        first = {"notice": notice} if notice else {}
        return json.dumps({**first, "schema": self.schema, **content}, indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a folder that `wb profile` wrote.

    Raises:
        UserError: there is none, or it is not of the format; the message names the place.
    """
    path = folder / FILE_NAME
    try:
        document = parse_json(read_ordinary_file(path, _MOST_BYTES).decode())
    except NestingError as error:
        raise UserError(f"{path} is malformed: it is {error}; restore it, or profile again") from error
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no {FILE_NAME}; name a folder that `wb profile` wrote") from error
    except UnsuitableFileError as error:
        raise UserError(f"{path} cannot be read (it is {error}); restore it, or profile again") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it, or profile again") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UserError(f"{path} is not of schema {SCHEMA}; read it with the workbench that wrote it")
    try:
        return decode_manifest(document)
    except MismatchError as error:
        raise UserError(f"{path} is malformed: {error}; restore it, or profile again") from error


def decode_manifest(document: Any, where: str = "") -> Manifest:
    """A manifest from its JSON document, of whose schema the caller is sure.

    Args:
        document: what was read.
        where: its place in what was read, for messages.

    Raises:
        MismatchError: it is malformed.
    """
    manifest = decode(Manifest, document, where)
    for capture in manifest.captures:
        if Path(capture.file).name != capture.file:
            raise MismatchError(f"{capture.file} lies outside the folder")
    _check_speeds(manifest)
    return manifest


def _check_speeds(manifest: Manifest) -> None:
    for where, speed in (("unprofiled", manifest.unprofiled), ("profiled", manifest.profiled)):
        if speed is None:
            continue
        for name, times_ns in (("prefill_ns", speed.prefill_ns), ("decode_ns", speed.decode_ns)):
            if not times_ns or min(times_ns) < 0:
                raise MismatchError(f"{where}.{name} holds no times")
        if speed.decode_steps < 1:
            raise MismatchError(f"{where}.decode_steps is no count of steps")
    factors = manifest.slowdown and (manifest.slowdown.prefill, manifest.slowdown.decode)
    if any(factor is not None and factor <= 0 for factor in factors or ()):
        raise MismatchError("slowdown holds what is no factor")
