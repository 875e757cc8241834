"""How much profiling slowed a program down, in words."""

from collections.abc import Iterator, Sequence

from workbench.manifest import Manifest
from workbench.report import quantities
from workbench.slowdown import Verdict, compare

_REMARKS = {
    Verdict.TOO_FEW: "too few to tell a slowdown",
    Verdict.WITHIN_SPREAD: "no difference beyond their spread",
}


def speed_sentences(manifest: Manifest | None) -> list[str]:
    """How long a prefill and a step of decode took without the profiler and with it; none where that is unknown."""
    return list(_sentences(manifest)) if manifest else []


def _sentences(manifest: Manifest) -> Iterator[str]:
    before, after = manifest.unprofiled, manifest.profiled
    if before is None or after is None or before.decode_steps != after.decode_steps:
        return
    yield _sentence("a prefill", before.prefill_ns, after.prefill_ns, 1)
    yield _sentence("a decode step", before.decode_ns, after.decode_ns, before.decode_steps)


def _sentence(what: str, before_ns: Sequence[int], after_ns: Sequence[int], steps: int) -> str:
    compared = compare(before_ns, after_ns)
    before, after = (quantities.time(time_ns / steps) for time_ns in (compared.before_ns, compared.after_ns))
    of_before, of_after = _basis(before_ns), _basis(after_ns)
    # Two bases that read the same are told once.
    first, second = ("", f"{of_after} each") if of_before == of_after else (f" ({of_before})", of_after)
    remark = f": {_REMARKS[compared.verdict]}" if compared.verdict in _REMARKS else ""
    change = f", {_change(compared.factor)}" if compared.factor else ""
    return f"{what} took {before} without the profiler{first} and {after} with it ({second}{remark}){change}"


def _basis(times_ns: Sequence[int]) -> str:
    return "one run" if len(times_ns) == 1 else f"the median of {len(times_ns)} runs"


def _change(factor: float) -> str:
    if factor >= 2:
        return f"{factor:.1f} times as long"
    return f"{quantities.share(abs(factor - 1))} {'longer' if factor >= 1 else 'shorter'}"
