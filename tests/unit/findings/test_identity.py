from dataclasses import dataclass

import pytest

from workbench.findings.identity import identity, loose_identity
from workbench.findings.target import Target, parse_target


@dataclass(frozen=True)
class Claim:
    detector: str
    phase: str
    target: Target


def claim(target: str, detector: str = "detector") -> Claim:
    parsed = parse_target(target)
    return Claim(detector, parsed.phase, parsed)


def test_what_a_target_asks_for_makes_no_other_finding() -> None:
    assert identity(claim("memset.calls_per_step <= 0")) == identity(claim("memset.calls_per_step <= 4"))


@pytest.mark.parametrize(
    "other",
    [
        claim("memset.calls_per_step <= 0", detector="other"),
        claim("memset.ns_per_step <= 0"),
        claim("free.calls_per_step <= 0"),
        claim("memset.calls_per_step <= 0 in prefill"),
    ],
)
def test_detector_phase_and_what_is_measured_tell_findings_apart(other: Claim) -> None:
    assert identity(claim("memset.calls_per_step <= 0")) != identity(other)


def test_names_tell_kernels_apart_but_loosely_only_short_ones_do() -> None:
    short, long = claim('kernel("gemv").ns_per_step <= 1'), claim('kernel("void ns::gemv<4>(float*)").ns_per_step <= 1')
    assert identity(short) != identity(long)
    assert loose_identity(short) == loose_identity(long)
    role, other = claim('role("mlp", "up (a)").busy_ns <= 1'), claim('role("mlp", "up (b)").busy_ns <= 1')
    assert loose_identity(role) != loose_identity(other)
