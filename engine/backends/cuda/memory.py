"""Device memory, accounted by its use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.cuda.gpu import Gpu
from engine.errors import EngineError
from engine.memory import Ledger, MemoryUse, Use

# CUDA's own number of that error.
_OUT_OF_MEMORY = 2


class DeviceMemory:
    """Arrays on a GPU (CuPy's), each given back when nobody holds it any more."""

    def __init__(self, gpu: Gpu) -> None:
        import cupy

        self._cupy: Any = cupy
        self._stream: Any = cupy.cuda.ExternalStream(gpu.stream_handle)
        # Without a pool, what is taken is what is needed, and what is left is what the driver says.
        cupy.cuda.set_allocator(None)
        self._ledger = Ledger()
        self._free_at_first: int = self.free_bytes()
        self._least_free = self._free_at_first

    def zeros(self, use: Use, shape: tuple[int, ...], dtype: Any) -> Any:
        """A new array of zeros.

        Raises:
            EngineError: memory ran out.
        """
        array = self._take(use, lambda: self._cupy.empty(shape, dtype))
        with self._stream:
            array.fill(0)
        return array

    def empty(self, use: Use, shape: tuple[int, ...], dtype: Any) -> Any:
        """A new array of whatever lay there."""
        return self._take(use, lambda: self._cupy.empty(shape, dtype))

    def upload(self, use: Use, values: NDArray[Any]) -> Any:
        """A new array of these values."""
        array = self._take(use, lambda: self._cupy.empty(values.shape, values.dtype))
        array.set(np.ascontiguousarray(values), stream=self._stream)
        return array

    def write(self, array: Any, values: NDArray[Any]) -> None:
        """Copies values into the first places of an array."""
        array.reshape(-1)[: values.size].set(np.ascontiguousarray(values).reshape(-1), stream=self._stream)

    def read(self, array: Any) -> NDArray[Any]:
        """Waits for all work, and copies an array to the host."""
        self._stream.synchronize()
        values: NDArray[Any] = array.get(stream=self._stream)
        self._stream.synchronize()
        return values

    def host_integers(self, capacity: int) -> "HostIntegers":
        """Integers on the host that kernels can write."""
        return HostIntegers(self._mended(lambda: self._cupy.cuda.alloc_pinned_memory(capacity * 4)), capacity)

    @contextmanager
    def lent(self, size_bytes: int) -> Iterator[None]:
        """Memory that is taken and given back again, if any is asked for."""
        runtime = self._cupy.cuda.runtime
        address = self._mended(lambda: runtime.malloc(size_bytes)) if size_bytes else 0
        try:
            yield
        finally:
            if address:
                runtime.free(address)

    @contextmanager
    def scratch(self, size_bytes: int) -> Iterator[int]:
        """Memory for a while, accounted to nothing."""
        array = self._mended(lambda: self._cupy.empty((size_bytes,), np.uint8))
        try:
            yield array.data.ptr
        finally:
            self._stream.synchronize()

    def summary(self) -> MemoryUse:
        """What was taken so far."""
        self._least_free = min(self._least_free, self.free_bytes())
        return self._ledger.summary(self._free_at_first - self._least_free)

    def _take(self, use: Use, make: Callable[[], Any]) -> Any:
        array = self._mended(make)
        self._ledger.take(use, array.nbytes)
        self._least_free = min(self._least_free, self.free_bytes())
        return array

    def _mended(self, make: Callable[[], Any]) -> Any:
        """What `make` takes of memory; where there is none left, an error that can be mended."""
        try:
            return make()
        except (self._cupy.cuda.memory.OutOfMemoryError, self._cupy.cuda.runtime.CUDARuntimeError) as error:
            if getattr(error, "status", _OUT_OF_MEMORY) != _OUT_OF_MEMORY:
                raise
            taken, free = self._ledger.total_bytes() / 2**30, self.free_bytes() / 2**30
            raise EngineError(
                f"the GPU's memory is full: {taken:.1f} GiB are taken and {free:.1f} GiB free; choose a smaller model, "
                "context or weight format"
            ) from error

    def free_bytes(self) -> int:
        """What the driver has left."""
        free: int = self._cupy.cuda.runtime.memGetInfo()[0]
        return free


class HostIntegers:
    """Integers in pinned memory of the host, which have the same address on the device."""

    def __init__(self, memory: Any, capacity: int) -> None:
        self._memory = memory
        self.values: NDArray[np.int32] = np.frombuffer(memory, np.int32, capacity)
        self.values[:] = 0

    @property
    def address(self) -> int:
        """Where they are, for kernels."""
        return int(self._memory.ptr)
