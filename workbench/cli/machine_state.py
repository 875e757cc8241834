"""What slows this machine's GPU down before anything runs: a power cap, held clocks, other processes."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.capture.helper_programs import output_of

_FIELDS = (
    "index",
    "power.limit",
    "power.default_limit",
    "clocks.applications.graphics",
    "clocks.default_applications.graphics",
    "clocks_throttle_reasons.hw_slowdown",
    "clocks_throttle_reasons.hw_thermal_slowdown",
    "clocks_throttle_reasons.sw_thermal_slowdown",
    "clocks_throttle_reasons.hw_power_brake_slowdown",
    "utilization.gpu",
)
_REASONS = ("a hardware slowdown", "heat (hardware)", "heat (software)", "a power brake")
# Of a limit, a rounding.
_SLACK = 0.99
_BUSY_PERCENT = 20


@dataclass(frozen=True)
class _Gpu:
    index: str
    power_limit_w: float | None
    default_power_limit_w: float | None
    clock_mhz: float | None
    default_clock_mhz: float | None
    reasons: tuple[str, ...]
    busy_percent: float | None


def depressions() -> list[str]:
    """What slows the GPUs down now, as `nvidia-smi` tells, a sentence each; nothing where there is no driver."""
    table = output_of(["nvidia-smi", f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"])
    processes = output_of(["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"])
    return list(_sentences(table or "", processes or ""))


def _sentences(table: str, processes: str) -> Iterator[str]:
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == len(_FIELDS):
            yield from _of_gpu(_gpu(cells))
    others = len([line for line in processes.splitlines() if line.strip().isdigit()])
    if others:
        yield (
            f"{others} other process{'es use' if others > 1 else ' uses'} a GPU of this machine; times are not of "
            "the model alone"
        )


def _gpu(cells: list[str]) -> _Gpu:
    return _Gpu(
        index=cells[0],
        power_limit_w=_number(cells[1]),
        default_power_limit_w=_number(cells[2]),
        clock_mhz=_number(cells[3]),
        default_clock_mhz=_number(cells[4]),
        reasons=tuple(reason for reason, cell in zip(_REASONS, cells[5:9], strict=True) if cell.casefold() == "active"),
        busy_percent=_number(cells[9]),
    )


def _of_gpu(gpu: _Gpu) -> Iterator[str]:
    if _is_lower(gpu.power_limit_w, gpu.default_power_limit_w):
        yield f"GPU {gpu.index} is capped at {gpu.power_limit_w:.0f} W of {gpu.default_power_limit_w:.0f} W"
    if _is_lower(gpu.clock_mhz, gpu.default_clock_mhz):
        yield f"the clock of GPU {gpu.index} is set to {gpu.clock_mhz:.0f} MHz of {gpu.default_clock_mhz:.0f} MHz"
    if gpu.reasons:
        yield f"GPU {gpu.index} holds its clocks down for {' and '.join(gpu.reasons)}"
    if gpu.busy_percent is not None and gpu.busy_percent > _BUSY_PERCENT:
        yield f"GPU {gpu.index} is busy already ({gpu.busy_percent:.0f} %)"


def _is_lower(value: float | None, usual: float | None) -> bool:
    return value is not None and usual is not None and value < _SLACK * usual


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
