from dataclasses import replace

from tests.unit.test_manifest import a_manifest
from workbench.manifest import Slowdown, Speed
from workbench.report.speed import speed_sentences


def test_how_much_profiling_slowed_a_run() -> None:
    manifest = replace(
        a_manifest(),
        unprofiled=Speed((1_000_000, 3_000_000, 2_000_000), (10_000,), 10),
        profiled=Speed((5_000_000,), (9_500,), 10),
        slowdown=Slowdown(2.5, 0.95),
    )
    assert speed_sentences(manifest) == [
        "a prefill takes 2.00 ms without the profiler (the median of 3 runs) and 5.00 ms with it (one run), "
        "2.5 times as long",
        "a decode step takes 1.00 µs without the profiler (one run) and 950 ns with it (one run), 5.0 % shorter",
    ]


def test_what_is_not_known_is_not_said() -> None:
    assert speed_sentences(None) == []
    assert speed_sentences(replace(a_manifest(), unprofiled=None, slowdown=None)) == []
    assert speed_sentences(a_manifest())[1].endswith("with it (one run)")
