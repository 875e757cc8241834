from workbench.compare.phase_steps import PhaseSteps, counterpart


def steps(phase: str, pid: int, median_ns: int = 1) -> PhaseSteps:
    return PhaseSteps(phase, pid, 1, median_ns, median_ns, ())


def test_processes_are_held_against_each_other_in_their_order() -> None:
    report = [steps("decode", 7, 10), steps("prefill", 7), steps("decode", 8, 20)]
    capture = [steps("decode", 100, 11), steps("decode", 101, 21)]
    first, second = (counterpart(report, "decode", pid, capture) for pid in (7, 8))
    assert first
    assert second
    assert (first.pid, second.pid) == (100, 101)


def test_another_number_of_processes_leaves_no_counterpart() -> None:
    report = [steps("decode", 7), steps("decode", 8)]
    assert counterpart(report, "decode", 7, [steps("decode", 1)]) is None
    assert counterpart(report, "prefill", 7, [steps("prefill", 1)]) is None
    assert counterpart(report, "decode", 9, report) is None
