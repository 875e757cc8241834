import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.backends.cuda import nvml
from engine.backends.cuda.nvml import conditions_during, read_conditions
from engine.device import Conditions

BUS_ID = "0000:1B:00.0"
NOT_SUPPORTED = 3


class Library:
    """Stands for NVML: numbers by the name of the function that tells them; what is not named, it does not have."""

    def __init__(self, **numbers: int) -> None:
        self.numbers = numbers
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        short = name.removeprefix("nvmlDeviceGet")
        if short in ("nvmlInit_v2", "nvmlShutdown", "HandleByPciBusId_v2"):
            return lambda *arguments: self._begin_or_end(name, *arguments)
        if short not in self.numbers:
            raise AttributeError(name)
        return lambda *arguments: self._tell(short, *arguments)

    def _begin_or_end(self, name: str, *arguments: Any) -> int:
        self.calls.append(name)
        if name == "nvmlDeviceGetHandleByPciBusId_v2":
            assert arguments[0].value == BUS_ID.encode()
            arguments[1]._obj.value = 77
        return self.numbers.get(name, 0)

    def _tell(self, name: str, gpu: ctypes.c_void_p, *arguments: Any) -> int:
        assert gpu.value == 77
        if self.numbers[name] < 0:
            return NOT_SUPPORTED
        if name.endswith("ClockInfo"):
            assert arguments[0].value == 1
        if name.startswith("ComputeRunningProcesses"):
            arguments[0]._obj.value = self.numbers[name]
            return 7 if self.numbers[name] else 0
        arguments[-1]._obj.value = self.numbers[name]
        return 0


def library(**numbers: int) -> Library:
    usual = {
        "ClockInfo": 1755,
        "MaxClockInfo": 1980,
        "PowerUsage": 512_300,
        "EnforcedPowerLimit": 700_000,
        "PerformanceState": 0,
        "CurrentClocksEventReasons": 0,
        "ComputeRunningProcesses_v3": 1,
    }
    return Library(**usual | numbers)


def test_what_the_driver_says_is_told() -> None:
    asked = library()
    assert read_conditions(asked, BUS_ID) == Conditions(1755, 1980, 512.3, 700.0, "P0", (), 0)
    assert asked.calls[-1] == "nvmlShutdown"


@pytest.mark.parametrize(
    ("bits", "reasons"),
    [
        (0x1, ("gpu_idle",)),
        (0x4 | 0x40, ("sw_power_cap", "hw_thermal_slowdown")),
        (0x8 | 0x80 | 0x100, ("hw_slowdown", "hw_power_brake_slowdown", "display_clock_setting")),
        (1 << 40, ("reason_40",)),
    ],
)
def test_reasons_are_in_the_drivers_words(bits: int, reasons: tuple[str, ...]) -> None:
    assert read_conditions(library(CurrentClocksEventReasons=bits), BUS_ID).throttle_reasons == reasons
    older = Library(CurrentClocksThrottleReasons=bits)
    assert read_conditions(older, BUS_ID).throttle_reasons == reasons


@pytest.mark.parametrize(("processes", "others"), [(0, None), (1, 0), (3, 2), (-1, None)])
def test_other_processes_are_those_besides_this_one(processes: int, others: int | None) -> None:
    asked = library(ComputeRunningProcesses_v3=processes)
    assert read_conditions(asked, BUS_ID).other_processes == others


def test_what_the_driver_does_not_tell_is_unknown() -> None:
    assert read_conditions(Library(), BUS_ID) == Conditions()
    refusing = library(**dict.fromkeys(library().numbers, -1))
    assert read_conditions(refusing, BUS_ID) == Conditions()
    assert read_conditions(library(PerformanceState=32), BUS_ID).performance_state is None


def test_a_library_that_does_not_start_is_not_ended() -> None:
    asked = library(nvmlInit_v2=9)
    assert read_conditions(asked, BUS_ID) == Conditions()
    assert asked.calls == ["nvmlInit_v2"]
    asked = library(nvmlDeviceGetHandleByPciBusId_v2=6)
    assert read_conditions(asked, BUS_ID) == Conditions()
    assert asked.calls[-1] == "nvmlShutdown"


def test_work_goes_on_until_the_driver_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = threading.Event()
    done: list[int] = []

    def work() -> None:
        done.append(1)
        if len(done) == 3:
            enough.set()
        time.sleep(0.001)

    def ask(bus_id: str) -> Conditions:
        assert bus_id == BUS_ID
        assert enough.wait(60)
        return Conditions(sm_clock_mhz=5)

    monkeypatch.setattr(nvml, "_ask", ask)
    assert conditions_during(work, BUS_ID) == Conditions(sm_clock_mhz=5)
    assert len(done) >= 3


def test_without_the_library_work_is_done_once_and_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "_LIBRARY", "libnone-such.so.1")
    done: list[int] = []
    assert conditions_during(lambda: done.append(1), BUS_ID) == Conditions()
    assert done
