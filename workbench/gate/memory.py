"""Whether a model still fits as it did: weights, cache, workspaces and peak, each by itself."""

from dataclasses import fields

from workbench.gate.measured import MeasuredModel, Memory
from workbench.gate.verdict import GateResult, Line, Status

GATE = "memory"
# Allocators round to less; a driver's own needs change by as much.
SLACK_BYTES = 1 << 20


def judge(baseline: MeasuredModel, now: MeasuredModel, tolerance: float = 0.01) -> GateResult:
    """Fails where a use of memory grew by more than the tolerance and by more than 1 MiB; less is a gain.

    Sizes do not vary from run to run as times do, so there is no noise to tell a change from.

    Args:
        baseline: what was kept.
        now: what was measured now.
        tolerance: how much more a use may take, as a share.
    """
    if baseline.memory is None:
        return GateResult(GATE, Status.NOT_RUN, "The baseline does not tell what memory was used for.")
    if now.memory is None:
        return GateResult(GATE, Status.UNDECIDED, "This run does not tell what memory was used for.")
    lines = tuple(_line(field.name, baseline.memory, now.memory, tolerance) for field in fields(Memory))
    grown = [line for line in lines if line.status is Status.FAILED]
    if grown:
        return GateResult(GATE, Status.FAILED, " ".join(f"{_label(line)}: {line.sentence}" for line in grown), lines)
    gains = [f"{_label(line)} takes {mebibytes_text(-_growth(line))} less" for line in lines if line.sentence]
    return GateResult(GATE, Status.PASSED, f"No use of memory grew{''.join(f'; {gain}' for gain in gains)}.", lines)


def mebibytes_text(size_bytes: float) -> str:
    """A size in MiB, with at least two digits."""
    size = size_bytes / (1 << 20)
    return f"{size:,.0f} MiB" if size >= 100 else f"{size:.2g} MiB"


def _line(name: str, baseline: Memory, now: Memory, tolerance: float) -> Line:
    then_bytes, now_bytes = getattr(baseline, name), getattr(now, name)
    growth = now_bytes - then_bytes
    allowed = max(tolerance * then_bytes, SLACK_BYTES)
    status, sentence = Status.PASSED, ""
    if growth > allowed:
        status = Status.FAILED
        sentence = f"{mebibytes_text(growth)} more, where {mebibytes_text(allowed)} are allowed."
    elif -growth > SLACK_BYTES:
        sentence = f"{mebibytes_text(-growth)} less."
    change = growth / then_bytes if then_bytes else None
    return Line(name, status, float(then_bytes), float(now_bytes), "bytes", change, sentence=sentence)


def _growth(line: Line) -> float:
    return (line.now or 0) - (line.baseline or 0)


def _label(line: Line) -> str:
    return line.name.removesuffix("_bytes")
