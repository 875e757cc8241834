"""The answer to `wb attribute`: totals, coverage, phases, and sums by the keys asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import DEFAULT_KEYS, KernelRow, MemopRow, kernel_rows, memop_rows
from workbench.analysis.coverage import Coverage, Totals
from workbench.analysis.phases import PhaseSummary
from workbench.attribution.rules import PHASES
from workbench.errors import UserError
from workbench.trace.model import CaptureInfo, Device


@dataclass(frozen=True)
class AttributionSummary:
    """What `wb attribute` shows.

    Attributes:
        info, devices: the capture.
        totals, coverage, phases: of the whole capture, whatever is filtered below.
        pids: the process ids of `PhaseSummary.process`, by position.
        keys: what `rows` are summed by; `process` is added where steps of several processes would mix.
        phase: the phase that `rows` and `memops` are limited to, or None.
        rows, memops: kernels, and copies and memsets.
    """

    info: CaptureInfo
    devices: tuple[Device, ...]
    totals: Totals
    coverage: Coverage
    phases: tuple[PhaseSummary, ...]
    pids: tuple[int, ...]
    keys: tuple[str, ...]
    phase: str | None
    rows: tuple[KernelRow, ...]
    memops: tuple[MemopRow, ...]


def summarize(
    analysis: Analysis, keys: Sequence[str] = DEFAULT_KEYS, *, phase: str | None = None, demangled: bool = False
) -> AttributionSummary:
    """Sums the kernels of a capture by `keys`.

    Args:
        analysis: the capture.
        keys: some of `breakdown.KEYS`.
        phase: limits rows and copies, and the base of shares, to one phase.
        demangled: names kernels by their long names.

    Raises:
        UserError: a key or the phase is unknown.
    """
    if phase is not None and phase not in PHASES:
        raise UserError(f"{phase!r} is no phase; phases are {', '.join(PHASES)}")
    rows = kernel_rows(analysis.attribution, keys, phase=phase, demangled=demangled)
    return AttributionSummary(
        info=analysis.trace.info,
        devices=analysis.trace.devices,
        totals=analysis.totals,
        coverage=analysis.coverage,
        phases=analysis.phases,
        pids=tuple(analysis.trace.pid(process) for process in range(len(analysis.trace.processes))),
        keys=tuple(rows[0].keys) if rows else tuple(keys),
        phase=phase,
        rows=tuple(rows),
        memops=tuple(memop_rows(analysis.attribution, phase=phase)),
    )
