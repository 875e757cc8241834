"""Loads compiled kernels into the device at hand."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.kernels.cache import CubinCache, compiled
from engine.kernels.compile import Cubin
from engine.kernels.log import Resources
from engine.kernels.source import KernelError, KernelSource


class Kernels:
    """The kernels of one device: each source is compiled and loaded once, when it is first asked for."""

    def __init__(self, arch: str, cache: CubinCache | None) -> None:
        self._arch = arch
        self._cache = cache
        self._cubins: dict[KernelSource, Cubin] = {}
        self._modules: dict[KernelSource, Any] = {}

    def prepare(
        self, sources: Iterable[KernelSource], *, done: Callable[[KernelSource], None] = lambda _: None
    ) -> None:
        """Compiles sources side by side, and calls `done` for each.

        Raises:
            KernelError: one of them does not compile.
        """
        missing = [source for source in dict.fromkeys(sources) if source not in self._cubins]
        with ThreadPoolExecutor() as pool:
            cubins = pool.map(lambda source: compiled(source, self._arch, self._cache), missing)
            for source, cubin in zip(missing, cubins, strict=True):
                self._cubins[source] = cubin
                done(source)

    def get(self, source: KernelSource, name: str) -> Any:
        """The `cuda.core` kernel of that name.

        Raises:
            KernelError: the source does not compile, or has no kernel of that name.
        """
        if source not in self._modules:
            from cuda.core import ObjectCode

            self.prepare([source])
            self._modules[source] = ObjectCode.from_cubin(self._cubins[source].code, name=source.file)
        try:
            return self._modules[source].get_kernel(name)
        except Exception as error:  # whatever the driver's binding raises
            raise KernelError(f"{source} has no kernel {name} ({error})") from error

    def resources(self) -> dict[KernelSource, tuple[Resources, ...]]:
        """What every kernel compiled so far takes of the chip."""
        return {source: cubin.resources for source, cubin in self._cubins.items()}
