"""Builds nsys's command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.capture.nsys import Nsys
from workbench.errors import UserError

CUDA_PROFILER_API = "cudaProfilerApi"
_NVTX = "nvtx:"
_Version = tuple[int, ...]


@dataclass(frozen=True)
class RecordingOptions:
    """What of the program to record; all of it where nothing is said.

    Attributes:
        delay_s: seconds after the program's start before recording begins.
        duration_s: seconds to record; the program runs on after them.
        capture_range: `cudaProfilerApi` records from cudaProfilerStart to cudaProfilerStop; `nvtx:NAME` from the
            first opening of the range NAME to its end, in whatever domain, or `nvtx:NAME@DOMAIN` in that one.
    """

    delay_s: float | None = None
    duration_s: float | None = None
    capture_range: str | None = None


@dataclass(frozen=True)
class _Flag:
    """A flag, and the first release of nsys that takes it."""

    text: str
    since: _Version = ()


# The one table of what changed between nsys's releases. The oldest is the first whose exports can be read.
_OLDEST: _Version = (2022, 4)
_FRACTIONAL_SECONDS: _Version = (2023, 4)
_FLAGS = (
    _Flag("--trace=cuda,nvtx"),
    # Sampling fills gigabytes in a second and says nothing of the GPU.
    _Flag("--sample=none"),
    _Flag("--cpuctxsw=none"),
    # The default hides the kernels of a graph in one row.
    _Flag("--cuda-graph-trace=node"),
    # Waiting for events on the device can order streams that the program left unordered.
    _Flag("--cuda-event-trace=false", since=(2025, 3)),
    # Children that fork without exec, as Python's multiprocessing does, and those that outlive their parent.
    _Flag("--trace-fork-before-exec=true"),
    _Flag("--wait=all"),
    # The program ends by itself, also when recording ends before it.
    _Flag("--kill=none"),
)


def recording_flags(version: Sequence[int], options: RecordingOptions) -> tuple[str, ...]:
    """The flags of `nsys profile` that say what to record and how.

    Args:
        version: nsys's, such as (2023, 4, 4, 54).
        options: what to record.

    Raises:
        UserError: an option makes no sense, or this nsys cannot do it.
    """
    text = ".".join(map(str, version))
    if tuple(version) < _OLDEST:
        raise UserError(f"nsys {text} is older than {'.'.join(map(str, _OLDEST))}; install a newer one")
    fractions = tuple(version) >= _FRACTIONAL_SECONDS
    return (
        *(flag.text for flag in _FLAGS if tuple(version) >= flag.since),
        *_seconds("--delay", options.delay_s, text, fractions=fractions),
        *_seconds("--duration", options.duration_s, text, fractions=fractions),
        *_range_flags(options.capture_range),
    )


def recording_command(
    nsys: Nsys, options: RecordingOptions, report: Path, session: str, program: Sequence[str]
) -> tuple[str, ...]:
    """The whole command line.

    Args:
        nsys: what is to record.
        options: what to record.
        report: the `.nsys-rep` to write; nsys replaces one that is there.
        session: the name by which `nsys stop` knows the recording.
        program: the program and its arguments.

    Raises:
        UserError: an option makes no sense, or this nsys cannot do it.
    """
    flags = recording_flags(nsys.version, options)
    # `%` introduces a pattern in nsys's names.
    output, name = (text.replace("%", "%%") for text in (str(report.with_suffix("")), session))
    ours = ("--force-overwrite=true", f"--session-new={name}", f"--output={output}")
    return (str(nsys.path), "profile", *flags, *ours, *program)


def _seconds(flag: str, value_s: float | None, version: str, *, fractions: bool) -> tuple[str, ...]:
    if value_s is None:
        return ()
    if not 0 < value_s < float("inf"):
        raise UserError(f"{flag} {value_s} makes no sense; give a number of seconds above 0")
    if value_s == int(value_s):
        return (f"{flag}={int(value_s)}",)
    if not fractions:
        raise UserError(f"nsys {version} takes whole seconds only; round {flag} {value_s}, or install a newer nsys")
    return (f"{flag}={value_s}",)


def _range_flags(capture_range: str | None) -> tuple[str, ...]:
    if capture_range is None:
        return ()
    # Without `stop`, nsys ends with the range and the program's exit code is lost.
    end = "--capture-range-end=stop"
    if capture_range == CUDA_PROFILER_API:
        return (f"--capture-range={CUDA_PROFILER_API}", end)
    name = capture_range.removeprefix(_NVTX)
    if not name or name == capture_range:
        raise UserError(f"--capture-range {capture_range} is unknown; give {CUDA_PROFILER_API} or {_NVTX}NAME")
    in_domain = re.search(r"(?<!\\)@", name)
    return (
        "--capture-range=nvtx",
        f"--nvtx-capture={name if in_domain else name + '@*'}",
        # By default only registered strings start a capture, and few programs register theirs.
        "--env-var=NSYS_NVTX_PROFILER_REGISTER_ONLY=0",
        end,
    )
