"""How much profiling slowed a program down, in words."""

import statistics
from collections.abc import Iterator, Sequence

from workbench.manifest import Manifest
from workbench.report import quantities


def speed_sentences(manifest: Manifest | None) -> list[str]:
    """How long a prefill and a step of decode take without the profiler and with it; none where that is unknown."""
    return list(_sentences(manifest)) if manifest else []


def _sentences(manifest: Manifest) -> Iterator[str]:
    before, after = manifest.unprofiled, manifest.profiled
    if before is None or after is None or manifest.slowdown is None:
        return
    factors = manifest.slowdown
    yield _sentence("a prefill", before.prefill_ns, after.prefill_ns, 1, factors.prefill)
    yield _sentence("a decode step", before.decode_ns, after.decode_ns, before.decode_steps, factors.decode)


def _sentence(what: str, before_ns: Sequence[int], after_ns: Sequence[int], steps: int, factor: float | None) -> str:
    before, after = (quantities.time(statistics.median(times_ns) / steps) for times_ns in (before_ns, after_ns))
    change = f", {_change(factor)}" if factor else ""
    return (
        f"{what} takes {before} without the profiler ({_basis(before_ns)}) and {after} with it "
        f"({_basis(after_ns)}){change}"
    )


def _basis(times_ns: Sequence[int]) -> str:
    return "one run" if len(times_ns) == 1 else f"the median of {len(times_ns)} runs"


def _change(factor: float) -> str:
    if factor >= 2:
        return f"{factor:.1f} times as long"
    return f"{quantities.share(abs(factor - 1))} {'longer' if factor >= 1 else 'shorter'}"
