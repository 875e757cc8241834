"""What the GPU and its software say of themselves, and how fast it copies and multiplies."""

import subprocess
from collections.abc import Callable
from statistics import median

import numpy as np

from engine.backends.cuda.forms import rows_form
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.launches import fill_launch
from engine.backends.cuda.matmul import Products
from engine.backends.cuda.memory import DeviceMemory
from engine.device import Clocks, DeviceDescription
from engine.formats import BF16
from engine.kernels.compile import compiler

_COPY_BYTES = 1 << 30
_PRODUCT_SIZE = 8192
# So much more than is needed must be free, for the driver takes some of its own.
_SPARE = 1.2
_WARM_UPS = 2
_SAMPLES = 9
_QUERY_SECONDS = 20
_CLOCK_FIELDS = ("clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem", "power.limit")


def describe(gpu: Gpu, products: Products) -> DeviceDescription:
    """The GPU, its software, and the algorithms chosen so far."""
    from cuda.bindings import driver

    built = compiler()
    driver_version, *clocks = _asked(gpu.device.pci_bus_id, "driver_version", *_CLOCK_FIELDS)
    _, cuda_version = driver.cuDriverGetVersion()
    return DeviceDescription(
        name=gpu.device.name,
        driver=driver_version or f"supports CUDA {_dotted(cuda_version)}",
        cuda=_dotted(cuda_version),
        nvrtc=built.nvrtc,
        cublas=products.version,
        cuda_core=built.cuda_core,
        clocks=_clocks(clocks) if any(clocks) else None,
        products=tuple(map(str, products.choices())),
    )


def measure_copy(gpu: Gpu, memory: DeviceMemory) -> float | None:
    """Bytes that a device-to-device copy reads plus writes a second: the median of several large ones.

    None where too little memory is left for one.
    """
    if memory.free_bytes() < _SPARE * 2 * _COPY_BYTES:
        return None
    size_bytes = _COPY_BYTES
    with memory.scratch(size_bytes) as source, memory.scratch(size_bytes) as target:
        return 2 * size_bytes / _median_seconds(gpu, lambda: gpu.copy(target, source, size_bytes))


def measure_products(gpu: Gpu, memory: DeviceMemory, products: Products) -> float | None:
    """Operations that a large product in bfloat16 does a second, a multiplication and an addition being two.

    Its numbers are random, for a GPU is quicker at multiplying zeros. None where too little memory is left.
    """
    size = _PRODUCT_SIZE
    number_bytes = rows_form(BF16).number_bytes
    if memory.free_bytes() < _SPARE * 3 * size * size * number_bytes:
        return None
    with memory.scratch(3 * size * size * number_bytes) as x:
        weight, out = (x + part * size * size * number_bytes for part in (1, 2))
        fill = fill_launch(BF16, gpu.multiprocessors)
        gpu.launch(fill, x, 0, np.float32(BF16.spread), np.uint32(1), np.uint64(2 * size * size))
        kind = rows_form(BF16).cuda_type

        def multiply() -> None:
            products.multiply(x, weight, out, size, size, size, kind, out_type=kind)

        return 2 * size**3 / _median_seconds(gpu, multiply)


def _median_seconds(gpu: Gpu, work: Callable[[], None]) -> float:
    import cuda.core

    options = cuda.core.EventOptions(timing_enabled=True)
    seconds = []
    for _ in range(_WARM_UPS + _SAMPLES):
        start = gpu.stream.record(options=options)
        work()
        end = gpu.stream.record(options=options)
        end.sync()
        seconds.append((end - start) / 1e3)
    return float(median(seconds[_WARM_UPS:]))


def _asked(bus_id: str, *fields: str) -> list[str]:
    """What nvidia-smi says of a GPU; empty texts where it says nothing."""
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", f"--id={bus_id}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_QUERY_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return [""] * len(fields)
    values = [value.strip() for value in said.strip().split(",")]
    return values if len(values) == len(fields) else [""] * len(fields)


def _clocks(said: list[str]) -> Clocks:
    sm, memory, sm_max, memory_max = map(_whole, said[:4])
    return Clocks(sm, memory, sm_max, memory_max, _number(said[4]))


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
