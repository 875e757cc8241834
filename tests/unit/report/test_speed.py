from dataclasses import replace

from tests.unit.test_manifest import a_manifest
from workbench.manifest import Slowdown, Speed
from workbench.report.speed import speed_sentences


def _sentences(before: Speed, after: Speed) -> list[str]:
    return speed_sentences(replace(a_manifest(), unprofiled=before, profiled=after, slowdown=Slowdown(9.0, 9.0)))


def test_how_much_profiling_slowed_a_run() -> None:
    before = Speed((1_990_000, 2_100_000, 2_000_000), (10_000,) * 3, 10)
    assert _sentences(before, Speed((5_000_000,) * 4, (9_500,) * 3, 10)) == [
        "a prefill took 2.00 ms without the profiler (the median of 3 runs) and 5.00 ms with it "
        "(the median of 4 runs), 2.5 times as long",
        "a decode step took 1.00 µs without the profiler and 950 ns with it (the median of 3 runs each), 5.0 % shorter",
    ]


def test_few_runs_are_no_basis_for_a_slowdown() -> None:
    assert _sentences(Speed((104_000_000,), (10_000,) * 5, 10), Speed((1_450_000,), (9_500,), 10)) == [
        "a prefill took 104 ms without the profiler and 1.45 ms with it (one run each: too few to tell a slowdown)",
        "a decode step took 1.00 µs without the profiler (the median of 5 runs) and 950 ns with it "
        "(one run: too few to tell a slowdown)",
    ]


def test_nor_is_a_difference_within_the_spread() -> None:
    noisy = Speed((1_000, 1_100, 1_200), (1_000, 1_100, 1_200), 1)
    assert _sentences(noisy, Speed((1_150,) * 3, (1_050,) * 3, 1))[0] == (
        "a prefill took 1.10 µs without the profiler and 1.15 µs with it (the median of 3 runs each: "
        "no difference beyond their spread)"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert speed_sentences(None) == []
    assert speed_sentences(replace(a_manifest(), unprofiled=None, slowdown=None)) == []
    assert _sentences(Speed((1,), (1,), 1), Speed((1,), (1,), 2)) == []
