"""The state of a GPU under load, as the driver's management library (NVML) tells it. Nothing is ever set."""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.device import Conditions

_LIBRARY = "libnvidia-ml.so.1"
# Numbers and names of NVML's own header.
_SUCCESS = 0
_INSUFFICIENT_SIZE = 7
_CLOCK_SM = 1
_PERFORMANCE_STATES = range(16)
_REASONS = (
    "gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost", "sw_thermal_slowdown",
    "hw_thermal_slowdown", "hw_power_brake_slowdown", "display_clock_setting", "board_limit", "reliability",
)  # fmt: skip
# The second is what drivers before 535 call it.
_REASONS_FUNCTIONS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")


def conditions_during(work: Callable[[], object], bus_id: str) -> Conditions:
    """The state of a GPU while it works.

    Args:
        work: keeps it busy; done once, and again until the driver has answered.
        bus_id: the GPU's address on the PCI bus.
    """
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(_ask, bus_id)
        work()
        while not asked.done():
            work()
        return asked.result()


def _ask(bus_id: str) -> Conditions:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return Conditions()
    return read_conditions(library, bus_id)


def read_conditions(library: Any, bus_id: str) -> Conditions:
    """What the library says of a GPU now.

    Args:
        library: NVML; whatever it lacks or refuses stays unknown.
        bus_id: the GPU's address on the PCI bus.
    """
    if _call(library, "nvmlInit_v2") != _SUCCESS:
        return Conditions()
    try:
        gpu = ctypes.c_void_p()
        found = _call(library, "nvmlDeviceGetHandleByPciBusId_v2", ctypes.c_char_p(bus_id.encode()), ctypes.byref(gpu))
        return _conditions(library, gpu) if found == _SUCCESS else Conditions()
    finally:
        _call(library, "nvmlShutdown")


def _conditions(library: Any, gpu: ctypes.c_void_p) -> Conditions:
    state = _number(library, "nvmlDeviceGetPerformanceState", gpu)
    return Conditions(
        sm_clock_mhz=_number(library, "nvmlDeviceGetClockInfo", gpu, ctypes.c_uint(_CLOCK_SM)),
        max_sm_clock_mhz=_number(library, "nvmlDeviceGetMaxClockInfo", gpu, ctypes.c_uint(_CLOCK_SM)),
        power_w=_watts(_number(library, "nvmlDeviceGetPowerUsage", gpu)),
        power_limit_w=_watts(_number(library, "nvmlDeviceGetEnforcedPowerLimit", gpu)),
        performance_state=f"P{state}" if state in _PERFORMANCE_STATES else None,
        throttle_reasons=_throttle_reasons(library, gpu),
        other_processes=_other_processes(library, gpu),
    )


def _throttle_reasons(library: Any, gpu: ctypes.c_void_p) -> tuple[str, ...] | None:
    for function in _REASONS_FUNCTIONS:
        bits = ctypes.c_ulonglong()
        if _call(library, function, gpu, ctypes.byref(bits)) == _SUCCESS:
            return tuple(
                _REASONS[bit] if bit < len(_REASONS) else f"reason_{bit}"
                for bit in range(bits.value.bit_length())
                if bits.value >> bit & 1
            )
    return None


def _other_processes(library: Any, gpu: ctypes.c_void_p) -> int | None:
    """How many processes compute on the GPU, less this one; None where the driver does not even see this one.

    They are counted and not told apart, for in a container the driver numbers them as the host does.
    """
    count = ctypes.c_uint(0)
    status = _call(library, "nvmlDeviceGetComputeRunningProcesses_v3", gpu, ctypes.byref(count), None)
    return count.value - 1 if status in (_SUCCESS, _INSUFFICIENT_SIZE) and count.value else None


def _number(library: Any, function: str, *arguments: Any) -> int | None:
    """A number of 32 bits that a function writes to where its last argument points."""
    value = ctypes.c_uint()
    return value.value if _call(library, function, *arguments, ctypes.byref(value)) == _SUCCESS else None


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


def _call(library: Any, function: str, *arguments: Any) -> int | None:
    """A function's status; None where there is no such function."""
    called = getattr(library, function, None)
    return None if called is None else int(called(*arguments))
