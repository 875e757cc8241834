"""What a device says of itself, and whether there is one."""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from engine.config import ModelConfig
from engine.formats import WeightFormat


@dataclass(frozen=True)
class Clocks:
    """Clocks and power limit of a GPU; None where the driver does not tell."""

    sm_mhz: int | None
    memory_mhz: int | None
    sm_max_mhz: int | None
    memory_max_mhz: int | None
    power_limit_w: float | None


@dataclass(frozen=True)
class Conditions:
    """The state of a GPU under load; None where the driver does not tell.

    Attributes:
        sm_clock_mhz: of the multiprocessors.
        max_sm_clock_mhz: the most that they can be set to.
        power_w: drawn; newer GPUs tell the mean of the last second.
        power_limit_w: the one that is enforced.
        performance_state: `P0` is the fastest.
        throttle_reasons: what holds clocks down, in the driver's words.
        other_processes: how many processes compute on the GPU besides this one.
    """

    sm_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    performance_state: str | None = None
    throttle_reasons: tuple[str, ...] | None = None
    other_processes: int | None = None


@dataclass(frozen=True)
class DeviceDescription:
    """A GPU, and the software that drives it.

    Attributes:
        name: as the driver calls it.
        driver: version of the driver.
        cuda: the CUDA version that the driver supports.
        nvrtc: version of the compiler.
        cublas: version of the library for matrix products.
        cuda_core: version of the bindings.
        clocks: None where they cannot be asked for.
        products: what was chosen for each shape of matrix product, a line each.
        copy_bytes_per_s: of a device-to-device copy, read plus written; None where it was not measured.
        operations_per_s: of a large product in bfloat16; None where it was not measured.
    """

    name: str
    driver: str
    cuda: str
    nvrtc: str
    cublas: str
    cuda_core: str
    clocks: Clocks | None
    products: tuple[str, ...] = ()
    copy_bytes_per_s: float | None = None
    operations_per_s: float | None = None


class Device(ABC):
    """A backend that runs on a device of its own."""

    @abstractmethod
    def describe(self) -> DeviceDescription:
        """The device, and what was chosen on it so far."""

    @abstractmethod
    def compile(self, config: ModelConfig, format_: WeightFormat, progress: Callable[[int, int], None]) -> None:
        """Compiles the kernels that a model with such weights needs, side by side; told how many of how many are done.

        What it does not foresee is compiled when it is first launched.
        """

    @abstractmethod
    def conditions(self, work: Callable[[], object]) -> Conditions:
        """The device's state under load: `work` is done once, and again until the driver has answered."""

    @abstractmethod
    def measure_copy(self) -> float | None:
        """Copies within the device's memory, and says how many bytes it read plus wrote a second.

        None where memory does not suffice.
        """

    @abstractmethod
    def measure_products(self) -> float | None:
        """Multiplies large matrices in bfloat16, and says how many operations it did a second, or None likewise."""


def gpu_count() -> int:
    """How many NVIDIA GPUs this process can use; asks the driver alone, and makes no context."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
