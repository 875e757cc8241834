"""What a report's words mean: one thing has one name in every rendering."""

from workbench.analysis.idle import IdleKind
from workbench.findings.finding import MINOR_SHARE, Effort
from workbench.findings.selection import OUTLIER_DEVIATIONS, OUTLIER_FACTOR, SHORTEST_LONG_WAIT_NS
from workbench.findings.view import ONE_OFF
from workbench.report import quantities

# By the labels that JSON and targets use.
IDLE_NAMES = {kind.label: kind.words for kind in IdleKind}
_IDLE_MEANINGS = {
    "launch_starved": "the host was busy in a phase or a call, but had not launched the next operation yet",
    "synchronizing": "the host was blocked in a call that waits for the device",
    "in_graph": "the operations before and after belong to one graph launch",
    "no_work": "the host was outside any phase and any call",
    "queued": "the next operation's launch had returned before {device} became idle: its own latency, or a dependency",
    "unknown": "the next operation's launch was not recorded",
}

_OF_ROOFLINES = (
    (
        "floor",
        "of a role: the bytes that it needs, over the speed at which the device copies, or its operations over their "
        "rate, where that was measured and takes longer",
    ),
    (
        "measured",
        "of a role: what it adds to a step's busy time, the median over the steps; time in which several operations "
        "ran counts for the one that started first",
    ),
    ("share, headroom", "of a role: its floor as a part of what was measured, and what was measured beyond it"),
)


_OF_CALIBRATION = (
    "realised",
    "of a prediction whose target a later capture met: the gain that is credited to it there, over what was expected, "
    "which is the low end and a quarter of the interval; the median of such predictions, with the least and the most. "
    "Alone: nothing else was met in its phase, so that all of the change is its",
)


def device_words(of_cpu: bool) -> str:
    """What operations run on, as reports call it."""
    return "the device" if of_cpu else "the GPU"


def terms(*, with_rooflines: bool = True, calibrated: bool = False, of_cpu: bool = False) -> list[tuple[str, str]]:
    """The terms of a findings report, and what each means; of a CPU's times, without a GPU."""
    device = device_words(of_cpu)
    days = ", ".join(f"{effort} {quantities.counted(effort.days, 'day')}" for effort in Effort)
    return [
        ("step", "one pass of a phase, from its first operation to the first of the phase's next step"),
        ("wall", "how long a step or a phase takes: busy time plus idle time"),
        ("busy", f"the time in which at least one operation runs on {device}"),
        (
            "kernel time",
            "the sum of the kernels' durations; kernels may overlap, so kernel times add up to more than busy time, "
            f"and a kernel's mean duration includes time in which it shares {device}",
        ),
        *(
            (name, f"idle time: {_IDLE_MEANINGS[label].format(device=device)}{_alias(label)}")
            for label, name in IDLE_NAMES.items()
        ),
        (
            "late",
            f"in tables of steps: idle time that ended with an operation launched only after {device} had gone idle",
        ),
        (
            "long wait",
            f"idle time of at least {quantities.time(SHORTEST_LONG_WAIT_NS)} and {ONE_OFF} times the phase's median "
            "gap, most of it waiting for launches",
        ),
        (
            "outlier",
            f"a step that takes more than {OUTLIER_FACTOR} times the median step, and exceeds it by more than "
            f"{OUTLIER_DEVIATIONS} times the steps' median deviation",
        ),
        (
            "API time, critical",
            f"time inside CUDA calls, and what of it passed while {device} was idle in a step; the rest is hidden "
            "behind its work",
        ),
        *(_OF_ROOFLINES if with_rooflines else ()),
        *((_OF_CALIBRATION,) if calibrated else ()),
        ("minor", f"of a finding: it promises less than {quantities.share(MINOR_SHARE)} of a step"),
        ("effort", f"for someone who knows the program: {days}"),
    ]


def _alias(label: str) -> str:
    """What JSON and targets call an idle kind, where that is another name."""
    return "" if label.replace("_", " ") == IDLE_NAMES[label] else f" ({label} in targets and JSON)"
