"""A GPU, its stream, and launches of our kernels on it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.kernels.cache import CubinCache
from engine.kernels.compile import architecture
from engine.kernels.module import Kernels
from engine.kernels.source import KernelSource

# A kernel may use 48 KiB of shared memory without being granted more; some of them are its own static arrays.
_PLAIN_SHARED_BYTES = 40 << 10


@dataclass(frozen=True, eq=False)
class Launch:
    """What a kernel is launched with, but for its arguments.

    Launches are told apart by identity, which is quick: whoever makes them makes each once.

    Attributes:
        source: the kernel's, whose file is named after it.
        grid: blocks.
        threads: a block.
        shared_bytes: of dynamic shared memory a block.
    """

    source: KernelSource
    grid: tuple[int, ...]
    threads: int
    shared_bytes: int = 0

    @property
    def kernel(self) -> str:
        """The kernel's name, which is its file's."""
        return self.source.file.rpartition("/")[2].removesuffix(".cu")


class Gpu:
    """The first GPU of this process, with one stream on which everything happens in turn."""

    def __init__(self, *, overlaps: bool) -> None:
        """Opens it.

        Args:
            overlaps: whether a kernel may start while the one before it drains (programmatic dependent launch).
        """
        import cuda.core

        self._core: Any = cuda.core
        try:
            self.device: Any = cuda.core.Device(0)
            self.device.set_current()
        except Exception as error:  # whatever the driver's binding raises
            raise EngineError(f"the GPU cannot be opened ({error}); choose --backend numpy") from error
        capability = self.device.compute_capability
        self.arch = architecture(capability.major, capability.minor)
        if capability.major < 8:
            raise EngineError(f"{self.device.name} is older than the engine's kernels; they need Ampere or newer")
        self.multiprocessors: int = self.device.properties.multiprocessor_count
        self.stream: Any = self.device.create_stream()
        self.stream_handle = int(self.stream.handle)
        self._overlaps = overlaps and capability.major >= 9
        self._kernels = Kernels(self.arch, CubinCache.of_user())
        self._ready: dict[Launch, tuple[Any, Any]] = {}

    def compile(self, sources: Iterable[KernelSource], done: Callable[[KernelSource], None]) -> None:
        """Compiles kernels side by side, and tells `done` of each."""
        self._kernels.prepare(sources, done=done)

    def launch(self, launch: Launch, *arguments: Any) -> None:
        """Launches a kernel behind all that was launched before.

        Args:
            launch: which, and how.
            arguments: pointers as integers, and numbers as NumPy scalars of the kernel's types.
        """
        ready = self._ready.get(launch)
        if ready is None:
            ready = self._ready[launch] = self._prepare(launch)
        self._core.launch(self.stream, ready[0], ready[1], *arguments)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Captures what `work` launches into a graph; what it returns replays that."""
        builder = self.stream.create_graph_builder()
        builder.begin_building("thread_local")
        try:
            work()
        except BaseException:
            # The capture is spoilt as well, and says so.
            with suppress(Exception):
                builder.end_building()
            raise
        builder.end_building()
        graph = builder.complete()
        graph.upload(self.stream)
        return lambda: graph.launch(self.stream)

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        """Copies within the device's memory, behind all that was launched before."""
        from cuda.bindings import runtime

        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice
        _check(runtime.cudaMemcpyAsync(target, source, size_bytes, kind, self.stream_handle))

    def copy_columns(self, target: int, source: int, pitch_bytes: int, width_bytes: int, rows: int) -> None:
        """Copies the same columns of many rows, which lie `pitch_bytes` apart in both places."""
        from cuda.bindings import runtime

        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice
        _check(
            runtime.cudaMemcpy2DAsync(
                target, pitch_bytes, source, pitch_bytes, width_bytes, rows, kind, self.stream_handle
            )
        )

    def mark(self) -> Any:
        """An event behind all that was launched before."""
        return self.stream.record()

    def reach(self, mark: Any) -> None:
        """Waits for an event.

        Raises:
            EngineError: something went wrong on the device.
        """
        _wait(mark.sync)

    def finish(self) -> None:
        """Waits for all that was launched.

        Raises:
            EngineError: something went wrong on the device.
        """
        _wait(self.stream.sync)

    def _prepare(self, launch: Launch) -> tuple[Any, Any]:
        kernel = self._kernels.get(launch.source, launch.kernel)
        if launch.shared_bytes > _PLAIN_SHARED_BYTES:
            self._grant_shared_memory(kernel, launch)
        config = self._core.LaunchConfig(
            grid=launch.grid,
            block=launch.threads,
            shmem_size=launch.shared_bytes,
            programmatic_stream_serialization=self._overlaps,
        )
        return config, kernel

    def _grant_shared_memory(self, kernel: Any, launch: Launch) -> None:
        from cuda.bindings import driver

        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        (status,) = driver.cuKernelSetAttribute(
            attribute, launch.shared_bytes, kernel.handle, driver.CUdevice(self.device.device_id)
        )
        if status != driver.CUresult.CUDA_SUCCESS:
            raise EngineError(
                f"{launch.source} needs {launch.shared_bytes} bytes of shared memory, which {self.device.name} lacks"
            )


def _wait(wait: Callable[[], None]) -> None:
    try:
        wait()
    except Exception as error:  # whatever the driver's binding raises
        raise EngineError(f"a kernel failed on the GPU ({error}); run compute-sanitizer to see which") from error


def _check(result: tuple[Any, ...]) -> None:
    if int(result[0]) != 0:
        raise EngineError(f"a copy on the GPU failed ({result[0].name}); check the driver")
