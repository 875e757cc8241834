"""Whether decode's steps do again what the first one did, and no more: no allocation, no wait, no pageable copy."""

from workbench.gate.facts import calls_a_step, without_captures
from workbench.gate.measured import MeasuredModel
from workbench.gate.verdict import GateResult, Line, Status
from workbench.gate.wording import calls_text

GATE = "steady_state"
_STALLS = "an allocation, a release, a wait for the device, a pageable copy, a module load or a graph's capture"


def judge(baseline: MeasuredModel, now: MeasuredModel) -> GateResult:
    """Looks into captured decode steps for calls that stall the host or break a graph's capture.

    There is no allowance, whatever the baseline did: one such call in any step of any capture fails.

    Args:
        baseline: what was kept, for comparison.
        now: what was measured now.
    """
    if unjudged := without_captures(GATE, baseline, now):
        return unjudged
    before, found = calls_a_step(baseline.captures), calls_a_step(now.captures)
    # Of a baseline without captures nothing is known; a call that its captures do not show was made 0 times.
    unknown = 0.0 if baseline.captures else None
    lines = tuple(
        Line(
            name,
            Status.FAILED if name in found else Status.PASSED,
            before.get(name, unknown),
            found.get(name, 0.0),
            "calls",
        )
        for name in dict.fromkeys([*found, *before])
    )
    if not found:
        return GateResult(GATE, Status.PASSED, f"No captured decode step holds {_STALLS}.", lines)
    known = ", which the baseline does as well" if found.keys() <= before.keys() else ""
    return GateResult(GATE, Status.FAILED, f"Decode steps call {calls_text(found)}{known}.", lines)
