"""Targets: conditions on a capture that a machine can check, such as `memcpy_d2d.calls_per_step <= 16`.

    target     = subject [ "(" name { "," name } ")" ] "." measure " " comparison " " number [ " in " phase ]
    name       = a JSON string
    comparison = "<=" | ">=" | "=="

The phase is `decode` where none is named. `MEASURES` lists subjects and their measures. Counts are means over the
phase's steps; times are medians over them, so that one slow step does not decide. Where several processes have the
phase, each of them must fulfil the condition. A role's `busy_ns` is what it adds to a step's busy time; its
`ns_per_step` is the sum of its kernels' durations, which may overlap. A step's
`serial_share` is the part of its kernels that begin only when the one ahead on their stream has ended, of those that
were launched in time to begin before that.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal

from workbench.errors import UserError

DEFAULT_PHASE = "decode"
# Measures by subject; subjects that take names are given how many.
MEASURES: dict[str, tuple[int, tuple[str, ...]]] = {
    "step": (
        0,
        (
            "wall_ns",
            "busy_ns",
            "launch_starved_ns",
            "synchronizing_ns",
            "in_graph_ns",
            "launches",
            "graph_launches",
            "kernels",
            "tiny_kernels",
            "serial_share",
            "outliers",
            "stalls",
        ),
    ),
    "memcpy_h2d": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "memcpy_d2h": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "memcpy_d2d": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "memcpy_small": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "memcpy_pageable": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "memset": (0, ("calls_per_step", "bytes_per_step", "ns_per_step")),
    "allocate": (0, ("calls_per_step", "ns_per_step")),
    "free": (0, ("calls_per_step", "ns_per_step")),
    "synchronize": (0, ("calls_per_step", "ns_per_step")),
    "module_load": (0, ("calls_per_step", "ns_per_step")),
    "kernel": (1, ("calls_per_step", "ns_per_step", "mean_ns")),
    "pair": (2, ("calls_per_step",)),
    "projections": (1, ("calls_per_layer", "ns_per_step")),
    "layer_type": (1, ("ns_per_step", "kernels_per_step")),
    "role": (2, ("ns_per_step", "kernels_per_step", "kernels_per_layer", "kernel_names", "busy_ns")),
    "hidden_graphs": (0, ("calls", "ns")),
}
_MOST_EXACT_DIGITS = 18
_TARGET = re.compile(
    r"(?P<subject>\w+)(?:\((?P<names>.*)\))?\.(?P<measure>\w+) (?P<comparison><=|>=|==) (?P<value>\d+(?:\.\d+)?)"
    r"(?: in (?P<phase>load|warmup|prefill|decode|other))?"
)


@dataclass(frozen=True)
class Target:
    """A condition on a capture."""

    subject: str
    measure: str
    comparison: str
    value: float
    phase: str = DEFAULT_PHASE
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = f"({', '.join(json.dumps(name, ensure_ascii=False) for name in self.names)})" if self.names else ""
        value = f"{int(self.value)}" if float(self.value).is_integer() else f"{Decimal(str(float(self.value))):f}"
        phase = f" in {self.phase}" if self.phase != DEFAULT_PHASE else ""
        return f"{self.subject}{names}.{self.measure} {self.comparison} {value}{phase}"

    def is_met_by(self, measured: float) -> bool:
        """Whether a measured value fulfils the condition."""
        match self.comparison:
            case "<=":
                return measured <= self.value
            case ">=":
                return measured >= self.value
            case _:
                return measured == self.value


def parse_target(text: str) -> Target:
    """Reads a target.

    Raises:
        UserError: the text is no target.
    """
    match = _TARGET.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!r} is no target; write it like `memcpy_d2d.calls_per_step <= 16 in decode`")
    names = _names(text, match["names"])
    count, measures = MEASURES.get(match["subject"], (0, ()))
    if match["measure"] not in measures or len(names) != count:
        raise UserError(f"{text!r}: nothing measures this; subjects are {', '.join(MEASURES)}")
    return Target(
        match["subject"],
        match["measure"],
        match["comparison"],
        _value(match["value"]),
        match["phase"] or DEFAULT_PHASE,
        names,
    )


def _value(text: str) -> float:
    """The number; an integer stays one, as a float would round a large one."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_EXACT_DIGITS else float(text)


def _names(text: str, listed: str | None) -> tuple[str, ...]:
    if listed is None:
        return ()
    problem = UserError(f'{text!r}: names in a target are JSON strings, such as kernel("gemv")')
    try:
        names = json.loads(f"[{listed}]")
    except json.JSONDecodeError as error:
        raise problem from error
    if not all(isinstance(name, str) for name in names):
        raise problem
    return tuple(names)
