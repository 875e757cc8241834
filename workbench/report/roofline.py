"""Rooflines, as reports show them."""

from typing import Any

from workbench.analysis.roofline import PhaseRoofline, RoleRoofline
from workbench.report import quantities

HEADINGS = ("layer type", "role", "bytes a step", "floor", "measured", "share", "headroom")
# How many columns, from the left, hold text.
TEXT_COLUMNS = 2
_WHOLE = "whole step"


def roofline_rows(roofline: PhaseRoofline) -> list[list[str]]:
    """A row for each role, and one for the whole step, idle time included."""
    return [
        *map(_role_row, roofline.roles),
        [
            _WHOLE,
            "",
            quantities.size(roofline.bytes),
            quantities.time(roofline.floor_ns),
            quantities.time(roofline.step_ns),
            quantities.share(roofline.share),
            _headroom(roofline.headroom_ns, is_loose=roofline.is_loose),
        ],
    ]


def roofline_json(roofline: PhaseRoofline, pid: int) -> dict[str, Any]:
    """A phase's roofline, for JSON."""
    return {
        "process": pid,
        "phase": roofline.phase,
        "bytes": roofline.bytes,
        "floor_ns": roofline.floor_ns,
        "is_loose": roofline.is_loose,
        "step_ns": roofline.step_ns,
        "share": roofline.share,
        "headroom_ns": roofline.headroom_ns,
        "roles": [
            {
                "layer_type": role.layer_type,
                "role": role.role,
                "bytes": role.bytes,
                "operations": role.operations,
                "floor_ns": role.floor_ns,
                "is_loose": role.is_loose,
                "measured_ns": role.measured_ns,
                "share": role.share,
                "headroom_ns": role.headroom_ns,
            }
            for role in roofline.roles
        ],
    }


def _role_row(role: RoleRoofline) -> list[str]:
    cells = ["-"] * 4
    if role.bytes is not None and role.floor_ns is not None and role.share is not None and role.headroom_ns is not None:
        cells = [
            quantities.size(role.bytes),
            quantities.time(role.floor_ns),
            quantities.share(role.share),
            _headroom(role.headroom_ns, is_loose=role.is_loose),
        ]
    size, floor, share, headroom = cells
    return [role.layer_type, role.role, size, floor, quantities.time(role.measured_ns), share, headroom]


def _headroom(headroom_ns: float, *, is_loose: bool) -> str:
    return f"{'at most ' if is_loose else ''}{quantities.time(headroom_ns)}"
