from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.footprint import Footprint, RoleNeed
from workbench.findings.finding import Gain
from workbench.findings.merging import merging_gain
from workbench.findings.selection import block_inputs
from workbench.findings.view import phase_views

# A byte a nanosecond.
SPEED = 1e9
Merged = Callable[..., Gain]


def need(role: str, size: int, operations: int = 0) -> RoleNeed:
    return RoleNeed("decode", "mlp", role, size, operations)


GATE, UP, DOWN = need("gate_proj", 6_000), need("up_proj", 4_000), need("down_proj", 4_000)


def loop(
    gate_ns: int = 9_000,
    up_ns: int = 6_000,
    *,
    wait_ns: int = 0,
    down_ns: int = 5_000,
    grids: tuple[int, int] = (96, 96),
    kernels: tuple[str, str] = ("gemv", "gemv"),
    late: bool = False,
) -> Program:
    """Four steps of one layer: two products of one input, an activation of 2 µs in the second one's role, a third."""
    program = Program()
    for _ in range(4):
        with program.step():
            for role, kernel, duration_ns, grid in zip(
                ("gate_proj", "up_proj"), kernels, (gate_ns, up_ns), grids, strict=True
            ):
                with program.range(f"model.layers.0.mlp.{role}"):
                    program.kernel(kernel, duration_ns, wait_ns=wait_ns, grid=(grid, 1, 1), late=late)
                    if role == "up_proj":
                        program.kernel("silu", 2_000, late=late)
            with program.range("model.layers.0.mlp.down_proj"):
                program.kernel("gemv", down_ns, wait_ns=wait_ns, late=late)
    return program


@pytest.fixture
def merged(analysed: Callable[[Export], Analysis]) -> Merged:
    """The gain of merging the two products of one input: the shorter one, `up_proj`, joins."""

    def look(program: Program, *needs: RoleNeed) -> Gain:
        (view,) = phase_views(Analysis(analysed(program.export).attribution, Footprint(needs, SPEED)))
        products = block_inputs(view, "mlp")
        duration_ns = view.duration_ns(products)
        joining = products[duration_ns == duration_ns.min()] if len(np.unique(duration_ns)) > 1 else products[1::2]
        return merging_gain(view, products, joining, [("mlp", "gate_proj"), ("mlp", "up_proj")])

    return look


def test_one_product_begins_and_ends_once_at_least(merged: Merged) -> None:
    """15 µs of products for 10 µs of bytes: half of what is beyond goes, and at best all, with the activation."""
    found = merged(loop(down_ns=4_000), GATE, UP, DOWN)
    assert (found.low_ns, found.high_ns) == (2_500, 7_000)
    assert "comes down to their floor" in found.basis


def test_no_product_gets_nearer_to_its_floor_than_the_phases_others(merged: Merged) -> None:
    """The third product runs at 80 % of its roofline: 10 µs of bytes take 12.5."""
    found = merged(loop(), GATE, UP, DOWN)
    assert (found.low_ns, found.high_ns) == (2_500, 17_000 - 12_500)
    assert "80% of their roofline, which mlp down_proj reaches" in found.basis


def test_products_at_their_floors_gain_nothing_but_gaps(merged: Merged) -> None:
    found = merged(loop(wait_ns=500, down_ns=4_000), need("gate_proj", 11_000), need("up_proj", 6_000), DOWN)
    assert (found.low_ns, found.high_ns) == (500, 500)


@pytest.mark.parametrize("needs", [(), (GATE,), (GATE, need("up_proj", 4_000, 400_000))])
def test_without_all_floors_half_of_what_joins_goes_at_most(merged: Merged, needs: tuple[RoleNeed, ...]) -> None:
    found = merged(loop(), *needs)
    assert (found.low_ns, found.high_ns) == (1_000, 3_000)
    assert "up to 50% of it (an estimate)" in found.basis


def test_of_little_half_is_sure(merged: Merged) -> None:
    found = merged(loop(up_ns=2_000))
    assert (found.low_ns, found.high_ns) == (500, 1_000)


def test_a_gap_is_a_part_of_what_a_launch_costs(merged: Merged) -> None:
    found = merged(loop(wait_ns=400))
    assert (found.low_ns, found.high_ns) == (1_000, 3_400)
    found = merged(loop(wait_ns=1_500))
    assert (found.low_ns, found.high_ns) == (1_500, 4_500)


def test_grids_of_unlike_sizes_tell_what_grows_with_them(merged: Merged) -> None:
    """192 blocks in 9 µs and 96 in 6 are 3 µs beside the work of the blocks."""
    found = merged(loop(grids=(192, 96)))
    assert (found.low_ns, found.high_ns) == (1_000, 3_000)
    assert "up to 3 µs each, which is what they take beside what grows with their grids" in found.basis
    found = merged(loop(7_000, grids=(192, 96)))
    assert (found.low_ns, found.high_ns) == (1_000, 5_000)


@pytest.mark.parametrize(
    ("grids", "kernels"), [((192, 97), ("gemv", "gemv")), ((192, 96), ("gemv", "gemm")), ((0, 0), ("gemv", "gemv"))]
)
def test_grids_that_tell_nothing(merged: Merged, grids: tuple[int, int], kernels: tuple[str, str]) -> None:
    assert merged(loop(7_000, grids=grids, kernels=kernels)).high_ns == 3_000


def test_a_product_that_grows_faster_than_its_grid_gains_nothing_for_sure(merged: Merged) -> None:
    """Twice the blocks take thrice the time: a launch costs nothing beside."""
    assert merged(loop(18_000, grids=(192, 96))).high_ns == 0


def test_where_launches_set_the_pace_a_launch_less_is_all_that_is_sure(merged: Merged) -> None:
    found = merged(loop(wait_ns=20_000, late=True), GATE, UP, DOWN)
    assert found.low_ns == 10
    assert found.high_ns == 20_000 + 4_500
