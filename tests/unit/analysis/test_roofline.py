from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.unit.findings.programs import H2D, Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.footprint import Footprint, RoleNeed
from workbench.analysis.roofline import PhaseRoofline
from workbench.attribution.attribution import Attribution

Attributed = Callable[[Export], Attribution]
# A byte a nanosecond.
SPEED = 1e9


def down(size: int, operations: int = 0, phase: str = "decode") -> RoleNeed:
    return RoleNeed(phase, "mlp", "down_proj", size, operations)


def loop(*durations_ns: int) -> Program:
    """A step a duration: a product of so long, a copy of its role, a norm that nobody said anything of."""
    program = Program()
    for duration_ns in durations_ns:
        with program.step():
            with program.range("model.layers.0.mlp.down_proj"):
                program.kernel("gemv", duration_ns, wait_ns=500)
                program.copy(H2D, 8, 1_000)
            with program.range("model.layers.0.input_layernorm"):
                program.kernel("rms_norm", 300)
    return program


@pytest.fixture
def decode(attributed: Attributed) -> Callable[..., PhaseRoofline]:
    """The only roofline of a program."""

    def of(program: Program, *needs: RoleNeed, operations_per_s: float | None = None) -> PhaseRoofline:
        footprint = Footprint(needs, SPEED, operations_per_s)
        (roofline,) = Analysis(attributed(program.export), footprint).rooflines
        return roofline

    return of


def test_a_role_is_measured_against_its_bytes(decode: Callable[..., PhaseRoofline]) -> None:
    roofline = decode(loop(9_000, 7_000, 5_000), down(4_000))
    role = roofline.of("mlp", "down_proj")
    assert role
    assert (role.measured_ns, role.floor_ns, role.share, role.headroom_ns) == (8_000, 4_000.0, 0.5, 4_000.0)
    assert not role.is_loose
    assert (roofline.bytes, roofline.floor_ns, roofline.step_ns) == (4_000, 4_000.0, 8_800)
    assert roofline.share == 4_000 / 8_800
    assert roofline.headroom_ns == 4_800


def test_what_the_program_says_nothing_of_has_no_floor(decode: Callable[..., PhaseRoofline]) -> None:
    *_, norm = decode(loop(9_000), down(4_000)).roles
    assert (norm.layer_type, norm.measured_ns) == ("norm", 300)
    assert (norm.bytes, norm.floor_ns, norm.share, norm.headroom_ns) == (None, None, None, None)


def test_what_did_not_run_counts_for_the_step_alone(decode: Callable[..., PhaseRoofline]) -> None:
    roofline = decode(loop(9_000), down(4_000), RoleNeed("decode", "lm_head", "lm_head", 600, 0))
    assert roofline.floor_ns == 4_600
    assert roofline.of("lm_head", "lm_head") is None


def test_operations_bind_where_their_rate_is_known(decode: Callable[..., PhaseRoofline]) -> None:
    need = down(4_000, 12_000 * 50)
    (loose, *_), (bound, *_) = (decode(loop(9_000), need, operations_per_s=rate).roles for rate in (None, SPEED * 100))
    assert (loose.floor_ns, loose.is_loose) == (4_000, True)
    assert (bound.floor_ns, bound.is_loose) == (6_000, False)


def test_a_role_faster_than_its_floor_has_no_headroom(decode: Callable[..., PhaseRoofline]) -> None:
    role = decode(loop(9_000), down(40_000)).of("mlp", "down_proj")
    assert role
    assert (role.share, role.headroom_ns) == (4.0, 0.0)


def test_time_in_which_two_run_belongs_to_the_first(decode: Callable[..., PhaseRoofline]) -> None:
    program = Program()
    with program.step():
        with program.range("model.layers.0.mlp.up_proj"):
            program.kernel("gemv", 5_000)
        with program.range("model.layers.0.mlp.down_proj"):
            program.kernel("gemv", 5_000, wait_ns=-2_000, stream=8)
    role = decode(program, down(1_000)).of("mlp", "down_proj")
    assert role
    assert role.measured_ns == 3_000


def test_the_most_headroom_comes_first(decode: Callable[..., PhaseRoofline]) -> None:
    program = Program()
    with program.step():
        for name, duration_ns in (("up_proj", 3_000), ("down_proj", 9_000), ("act_fn", 20_000)):
            with program.range(f"model.layers.0.mlp.{name}"):
                program.kernel("gemv", duration_ns)
    roofline = decode(program, down(1_000), RoleNeed("decode", "mlp", "up_proj", 1_000, 0))
    assert [role.role for role in roofline.roles] == ["down_proj", "up_proj", "act_fn"]


def test_every_phase_has_its_own_needs(attributed: Attributed) -> None:
    program = Program()
    for phase in ("prefill", "decode"):
        with program.step(phase), program.range("model.layers.0.mlp.down_proj"):
            program.kernel("gemm", 1_000)
    footprint = Footprint((down(100, phase="decode"), down(700, phase="prefill")), SPEED)
    found = Analysis(attributed(program.export), footprint).rooflines
    assert [(roofline.phase, roofline.bytes) for roofline in found] == [("prefill", 700), ("decode", 100)]


def test_of_several_processes_nothing_is_said(attributed: Attributed) -> None:
    export = Export()
    for pid in (7, 8):
        program = Program(export, pid=pid)
        with program.step(), program.range("model.layers.0.mlp.down_proj"):
            program.kernel("gemv", 1_000)
    assert Analysis(attributed(export), Footprint((down(100),), SPEED)).rooflines == ()


def test_without_steps_or_needs_there_is_none(attributed: Attributed) -> None:
    assert Analysis(attributed(loop(9_000).export)).rooflines == ()
    program = Program()
    program.kernel("gemv", 1_000)
    assert Analysis(attributed(program.export), Footprint((down(100),), SPEED)).rooflines == ()
