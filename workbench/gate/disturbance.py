"""Whether the machine was slower while it measured one of several runs than while it measured the others."""

from collections.abc import Iterator, Sequence

from workbench.gate.comparable import CLOCK_TOLERANCE, POWER_TOLERANCE, reasons_named
from workbench.gate.measured import Conditions


def disturbances(runs: Sequence[Conditions]) -> tuple[str, ...]:
    """Why each run's times are not those of the code alone, a clause; empty where nothing is known to be wrong.

    What all runs that tell have in common is how the machine is, and disturbs none: a reason for lower clocks that
    each names, a power limit. Against other processes that does not hold: they come and go.
    """
    told = [reasons_named(run) for run in runs if run != Conditions()]
    usual = frozenset.intersection(*told) if told else frozenset()
    clock = max((run.sm_clock_mhz for run in runs if run.sm_clock_mhz is not None), default=None)
    limit = max((run.power_limit_w for run in runs if run.power_limit_w is not None), default=None)
    return tuple(" and ".join(_clauses(run, usual, clock, limit)) for run in runs)


def _clauses(run: Conditions, usual: frozenset[str], clock: int | None, limit: float | None) -> Iterator[str]:
    is_clock_lower = _is_lower(run.sm_clock_mhz, clock, CLOCK_TOLERANCE)
    if is_clock_lower:
        yield f"the GPU ran at {run.sm_clock_mhz} MHz, where it reached {clock} MHz at another commit"
    for reason in sorted(reasons_named(run) - usual):
        # A GPU at its power cap whose clocks are those of the others is not slower than they.
        if is_clock_lower or run.sm_clock_mhz is None or "power cap" not in reason:
            yield f"clocks were held down ({reason})"
    if _is_lower(run.power_limit_w, limit, POWER_TOLERANCE):
        yield f"the power limit was {run.power_limit_w:g} W, where it was {limit:g} W at another commit"
    if others := run.other_processes:
        yield f"{others} other process{'' if others == 1 else 'es'} used the GPU"


def _is_lower(value: float | None, most: float | None, tolerance: float) -> bool:
    return value is not None and most is not None and value < (1 - tolerance) * most
