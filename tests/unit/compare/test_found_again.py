from dataclasses import replace

from workbench.compare.earlier_report import EarlierFinding
from workbench.compare.found_again import found_again
from workbench.findings.finding import Effort, Evidence, Finding
from workbench.findings.target import parse_target

_EVIDENCE = (Evidence("title", ("a",), ((1,),), "SELECT 1 AS a"),)


def earlier(number: str, target: str, detector: str = "detector", pid: int = 1) -> EarlierFinding:
    parsed = parse_target(target)
    return EarlierFinding(number, detector, parsed.phase, pid, "claim", "remedy", Effort.SMALL, None, parsed, None)


def now(target: str, detector: str = "detector", pid: int = 1) -> Finding:
    parsed = parse_target(target)
    finding = Finding(parsed.phase, pid, "claim", _EVIDENCE, "cause", "remedy", None, Effort.SMALL, "risk", parsed)
    return replace(finding, detector=detector)


def test_the_same_finding_measures_the_same_in_the_same_phase() -> None:
    before = [earlier("F1", "memset.calls_per_step <= 0"), earlier("F2", "free.calls_per_step <= 0 in prefill")]
    after = [
        now("free.calls_per_step <= 0"),
        now("memset.calls_per_step <= 4"),
        now("free.calls_per_step <= 0 in prefill"),
    ]
    assert found_again(before, after) == {"F1": 1, "F2": 2}


def test_another_detector_or_measure_is_another_finding() -> None:
    before = [earlier("F1", "memset.calls_per_step <= 0")]
    assert found_again(before, [now("memset.calls_per_step <= 0", detector="other")]) == {}
    assert found_again(before, [now("memset.ns_per_step <= 0")]) == {}


def test_processes_are_taken_in_the_order_of_their_ids() -> None:
    target = "memset.calls_per_step <= 0"
    before = [earlier("F1", target, pid=20), earlier("F2", target, pid=10)]
    after = [now(target, pid=3), now(target, pid=2)]
    assert found_again(before, after) == {"F2": 1, "F1": 0}
    assert found_again(before, after[:1]) == {"F2": 0}


def test_a_kernel_may_be_spelt_longer_where_there_is_no_choice() -> None:
    before = [earlier("F1", 'pair("mul", "reduce_kernel (Mean)").calls_per_step <= 0')]
    spelt = 'pair("mul", "void at::native::reduce_kernel<512, MeanOps>(T1)").calls_per_step <= 0'
    assert found_again(before, [now(spelt)]) == {"F1": 0}
    assert found_again(before, [now(spelt), now('pair("mul", "reduce_kernel (Max)").calls_per_step <= 0')]) == {}
    alike = [*before, earlier("F2", 'pair("mul", "reduce_kernel (Min)").calls_per_step <= 0')]
    assert found_again(alike, [now(spelt)]) == {}


def test_roles_are_never_spelt_otherwise() -> None:
    before = [earlier("F1", 'role("mlp", "up (a)").busy_ns <= 1')]
    assert found_again(before, [now('role("mlp", "up (b)").busy_ns <= 1')]) == {}
