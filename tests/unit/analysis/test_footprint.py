import math
from typing import Any

import pytest

from workbench.analysis.footprint import UNKNOWN, Footprint, RoleNeed, read_footprint

ROLE = {"phase": "decode", "layer_type": "mlp", "role": "down_proj", "bytes": 1_000, "operations": 2_000}


def workload(**changes: Any) -> dict[str, Any]:
    """What the engine says, changed."""
    return {"schema": "engine.run/1", "device": {"copy_bytes_per_s": 4e12}, "roles": [ROLE]} | changes


def test_what_the_engine_says_is_taken() -> None:
    assert read_footprint(workload()) == Footprint((RoleNeed("decode", "mlp", "down_proj", 1_000, 2_000),), 4e12)
    fast = {"copy_bytes_per_s": 4e12, "operations_per_s": 6e14}
    assert read_footprint(workload(device=fast)).operations_per_s == 6e14


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"schema": "theirs/1", "roles": [ROLE]},
        workload(schema=["engine.run/1"]),
        workload(device=None),
        workload(device=[]),
        workload(device={"name": "CPU", "copy_bytes_per_s": None}),
        workload(roles=None),
    ],
)
def test_where_nothing_is_said_nothing_is_known(said: dict[str, Any] | None) -> None:
    assert read_footprint(said) == UNKNOWN
    assert not UNKNOWN.problem


@pytest.mark.parametrize("bandwidth", [0, -1, 1e3, 1e30, math.inf, math.nan, "4e12", True, [4e12]])
def test_no_device_copies_at_such_speeds(bandwidth: Any) -> None:
    footprint = read_footprint(workload(device={"copy_bytes_per_s": bandwidth}))
    assert footprint.needs == ()
    assert "copy_bytes_per_s" in footprint.problem


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ("decode", "no list"),
        ({"decode": ROLE}, "no list"),
        ([ROLE] * 1_001, "no list of at most 1000"),
        ([ROLE, ROLE], "listed twice"),
        ([17], "no object"),
        ([ROLE | {"phase": "load"}], "of phase load"),
        ([ROLE | {"phase": 3}], "no phase"),
        ([ROLE | {"role": ""}], "no role"),
        ([ROLE | {"role": "a\nb"}], "no role"),
        ([ROLE | {"layer_type": "x" * 65}], "no layer_type"),
        ([ROLE | {"bytes": -1}], "bytes"),
        ([ROLE | {"bytes": 10**16}], "bytes"),
        ([ROLE | {"bytes": math.nan}], "bytes"),
        ([ROLE | {"operations": None}], "operations"),
        ([ROLE | {"operations": 1e400}], "operations"),
    ],
)
def test_what_cannot_be_true_is_left_out_with_a_sentence(roles: Any, reason: str) -> None:
    footprint = read_footprint(workload(roles=roles))
    assert footprint.needs == ()
    assert reason in footprint.problem
    assert footprint.problem.endswith(".")
    assert "\n" not in footprint.problem
