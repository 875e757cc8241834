"""What a program says each of its roles needs in one pass, taken from its manifest as far as it can be true."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.attribution.rules import STEPPED_PHASES

# Of the documents that hold such statements.
SCHEMA = "engine.run/1"
_NAME = re.compile(r"[\w.-]{1,64}")
_MOST_ROLES = 1_000
# Far beyond what a pass over any model moves or computes.
_MOST_BYTES = 10**15
_MOST_OPERATIONS = 10**18
# From an embedded device's memory to far beyond today's; from a single core to a rack.
_BANDWIDTHS_PER_S = (1e9, 1e15)
_RATES_PER_S = (1e9, 1e19)


@dataclass(frozen=True)
class RoleNeed:
    """The bytes that one pass of a phase must move for a role, over all layers, and the operations it must do."""

    phase: str
    layer_type: str
    role: str
    bytes: int
    operations: int


@dataclass(frozen=True)
class Footprint:
    """The needs of all roles, and how fast the device was seen to be.

    Attributes:
        needs: one a phase, layer type and role; empty where nothing is known.
        bytes_per_s: of a copy within the device's memory, read plus written, measured in the same run.
        operations_per_s: of matrix products, likewise; None where it was not measured.
        problem: why a statement is not believed, a sentence; empty where none was made, or it is.
    """

    needs: tuple[RoleNeed, ...] = ()
    bytes_per_s: float = math.inf
    operations_per_s: float | None = None
    problem: str = ""


UNKNOWN = Footprint()


def read_footprint(workload: Mapping[str, Any] | None) -> Footprint:
    """The footprint that a manifest's `workload` states; `UNKNOWN` where it states none.

    Whoever wrote the manifest may have put anything in: what cannot be true is left out, and `problem` says why.
    """
    if workload is None or workload.get("schema") != SCHEMA:
        return UNKNOWN
    device, roles = workload.get("device"), workload.get("roles")
    if not isinstance(device, dict) or device.get("copy_bytes_per_s") is None or roles is None:
        return UNKNOWN
    try:
        return Footprint(
            needs=_needs(roles),
            bytes_per_s=_number(device["copy_bytes_per_s"], "copy_bytes_per_s", *_BANDWIDTHS_PER_S),
            operations_per_s=_rate(device),
        )
    except _ImplausibleError as error:
        return Footprint(problem=f"The manifest's roles give no roofline, for {error}.")


class _ImplausibleError(Exception):
    """Something in the statement cannot be true."""


def _rate(device: Mapping[str, Any]) -> float | None:
    rate = device.get("operations_per_s")
    return None if rate is None else _number(rate, "operations_per_s", *_RATES_PER_S)


def _needs(roles: Any) -> tuple[RoleNeed, ...]:
    if not isinstance(roles, Sequence) or isinstance(roles, str) or len(roles) > _MOST_ROLES:
        raise _ImplausibleError(f"they are no list of at most {_MOST_ROLES}")
    needs = tuple(map(_need, roles))
    if len({(need.phase, need.layer_type, need.role) for need in needs}) < len(needs):
        raise _ImplausibleError("a role is listed twice")
    return needs


def _need(role: Any) -> RoleNeed:
    if not isinstance(role, dict):
        raise _ImplausibleError("one of them is no object")
    phase = _name(role, "phase")
    if phase not in STEPPED_PHASES:
        raise _ImplausibleError(f"none can be of phase {phase}")
    return RoleNeed(
        phase=phase,
        layer_type=_name(role, "layer_type"),
        role=_name(role, "role"),
        bytes=int(_number(role.get("bytes"), "bytes", 0, _MOST_BYTES)),
        operations=int(_number(role.get("operations"), "operations", 0, _MOST_OPERATIONS)),
    )


def _name(role: Mapping[str, Any], key: str) -> str:
    value = role.get(key)
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise _ImplausibleError(f"one of them has no {key}")
    return value


def _number(value: Any, name: str, least: float, most: float) -> float:
    # bool is a subclass of int, and no number here; NaN lies in no interval.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _ImplausibleError(f"{name} is no number between {least:g} and {most:g}")
    return value
