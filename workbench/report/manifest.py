"""The manifest of a capture, as reports show it."""

import shlex
from collections.abc import Iterator

from workbench.manifest import Device, Gpu, Manifest
from workbench.report.texts import cut, one_line
from workbench.report.workload import run_name, workload_facts

_LONGEST_NAME = 80


def manifest_facts(manifest: Manifest) -> list[tuple[str, str]]:
    """What is known of how a capture was made: names of facts, and the facts, each on one line."""
    return [(name, one_line(text)) for name, text in _facts(manifest)]


def program_name(manifest: Manifest | None) -> str:
    """What was run, for a title: as the program calls itself and its model, else its command; empty if unknown."""
    if manifest is None:
        return ""
    workload = manifest.workload or {}
    if run := run_name(workload):
        return cut(one_line(run), _LONGEST_NAME)
    told = {name: workload[name] for name in ("program", "model") if isinstance(workload.get(name), str)}
    program = told.pop("program", shlex.join(manifest.program.command))
    return cut(one_line(", ".join(filter(None, (program, *told.values())))), _LONGEST_NAME)


def place_in_folder(manifest: Manifest | None, file_name: str) -> str:
    """Which of the captures that were made together this one is, where there are several."""
    files = [capture.file for capture in manifest.captures] if manifest else []
    name = file_name.rpartition("/")[2]
    return f"capture {files.index(name) + 1} of {len(files)}" if len(files) > 1 and name in files else ""


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    if manifest.program.command:
        yield "program", shlex.join(manifest.program.command)
    if manifest.workload:
        yield from workload_facts(manifest.workload)
    if manifest.device:
        yield from _device_facts(manifest.device)
    if manifest.host:
        yield "host", f"{manifest.host.platform}, Python {manifest.host.python}"
    if manifest.nsys:
        yield "recorded with", " ".join(manifest.nsys.flags)
    if manifest.commit:
        yield "commit", manifest.commit.sha + (", with changes" if manifest.commit.dirty else "")
    for warning in manifest.warnings:
        yield "warning", warning


def _device_facts(device: Device) -> Iterator[tuple[str, str]]:
    yield "driver", f"{device.driver or 'unknown'}, CUDA {device.cuda or 'unknown'}"
    for number, gpu in enumerate(device.gpus):
        clocks = _clocks(gpu)
        if clocks:
            yield f"clocks of GPU {number}", clocks


def _clocks(gpu: Gpu) -> str:
    """The clocks that the driver told: a GPU at rest runs slower than one at work."""
    clocks = (
        ("SM", gpu.sm_clock_mhz, gpu.max_sm_clock_mhz),
        ("memory", gpu.memory_clock_mhz, gpu.max_memory_clock_mhz),
    )
    texts = [f"{name} {now} of {most} MHz" for name, now, most in clocks if now is not None and most is not None]
    return ", ".join(texts) + " before the program started" if texts else ""
