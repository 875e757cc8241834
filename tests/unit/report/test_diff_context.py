from dataclasses import replace

import numpy as np
import pytest

from tests.unit.report.comparisons import (
    AFTER,
    BEFORE,
    ENGINE,
    capture,
    compared,
    faster,
    itself,
    one_a_side,
    overlapping,
    phase,
    phases_of_one_side,
    side,
    tables,
    unshown,
)
from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import HIDDEN
from workbench.compare.comparability import FieldDifference, Kind
from workbench.compare.comparison import Comparison
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.results import ResultsComparison, Verdict
from workbench.manifest import Speed
from workbench.report.diff_context import (
    context,
    lead,
    limitations,
    median_run,
    overlap_sentence,
    phase_sentences,
    speeds,
)


def test_results_come_first_then_what_of_the_change_is_busy_and_what_idle() -> None:
    results, shares = lead(faster())
    assert results == "Both sides computed the same tokens from the same logits."
    assert shares == "Busy time changed by -35.0 µs, idle time by -40.0 µs (waiting for launches -40.0 µs)."


def test_where_results_are_unknown_it_says_why() -> None:
    unknown = replace(tables(), results=ResultsComparison(Verdict.UNKNOWN, reason="AFTER is\nsilent"))
    assert lead(unknown) == ["Whether both sides computed the same is not known, for AFTER is silent."]


def test_of_equal_sides_nothing_more_is_told() -> None:
    assert len(lead(itself())) == 1


def test_what_stays_unexplained_is_told() -> None:
    comparison = faster()
    phases = tuple(
        replace(one, step=replace(one.step, residual=-1234.0)) if one.step else one for one in comparison.phases
    )
    assert lead(replace(comparison, phases=phases))[1].endswith("; -1.23 µs stays unexplained.")


def test_single_steps_that_weigh_on_the_mean_are_told() -> None:
    comparison = faster()
    assert len(lead(comparison)) == 2
    phases = tuple(
        replace(one, step=replace(one.step, before_median=300_000.0)) if one.step else one for one in comparison.phases
    )
    assert lead(replace(comparison, phases=phases))[2] == (
        "Single steps weigh on the mean: the median step takes 429 µs after, and 300 µs before."
    )


def of_kinds(*differences: FieldDifference, vary: tuple[str, ...] = ()) -> list[str]:
    return context(replace(unshown(), differences=differences, vary=vary, before=side("s", [], ENGINE)))


def test_differences_are_told_by_what_they_mean() -> None:
    assert of_kinds(
        FieldDifference("commit", "abc", "def", Kind.VARIED),
        FieldDifference("host", "Linux 5", "Linux\n6", Kind.NOTED),
        FieldDifference("python", "3.11", "3.12", Kind.NOTED),
        FieldDifference("driver", None, "580", Kind.UNKNOWN),
    )[:3] == [
        "Under test: commit (abc before, def after).",
        "Differs as well: host (Linux 5 before, Linux 6 after); python (3.11 before, 3.12 after).",
        "Not known to be equal: the driver of BEFORE is not known.",
    ]


def test_what_is_under_test_but_does_not_differ_is_told() -> None:
    assert of_kinds(vary=("commit", "variant"))[:2] == [
        "Under test: commit, but it is the same on both sides (abc).",
        "Under test: variant, which is not told by both sides.",
    ]


def test_what_neither_side_tells_is_told_once() -> None:
    assert not [sentence for sentence in of_kinds() if "Neither side" in sentence]
    nameless = [side("s", [capture(phase(BEFORE))], replace(ENGINE, gpu=None, prompt_tokens=None)) for _ in "ab"]
    assert "Neither side tells its GPU and workload: that they are equal is taken on trust." in context(
        compared(*nameless)
    )


def test_uncommitted_changes_are_told() -> None:
    dirty = side("s", [capture(phase(BEFORE))], replace(ENGINE, worktree="with changes"))
    assert any("uncommitted changes" in sentence for sentence in context(compared(dirty, dirty)))


def with_speeds(before: Speed | None, after: Speed | None, focus: str = "decode") -> Comparison:
    comparison = unshown()
    return replace(
        comparison,
        before=replace(comparison.before, unprofiled=before),
        after=replace(comparison.after, unprofiled=after),
        focus=focus,
    )


SLOW, FAST = Speed((900,) * 3, (10_000, 10_020, 10_010), 10), Speed((500,) * 3, (8_000, 8_000, 8_010), 10)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            SLOW,
            FAST,
            "Without the profiler a decode step took 1.00 µs (median of 3 runs) before and 800 ns (median of 3 runs) "
            "after: -20.1 %, more than the spread of one process's "
            "runs; processes may differ by more.",
        ),
        (
            SLOW,
            SLOW,
            "Without the profiler a decode step took 1.00 µs (median of 3 runs) before and 1.00 µs (median of 3 runs) "
            "after: 0.0 %, which is within the spread of runs.",
        ),
        (
            Speed((9,), (10_000,), 10),
            FAST,
            "Without the profiler a decode step took 1.00 µs (one run) before and 800 ns (median of 3 runs) after: "
            "-20.0 %, of too few runs to tell that from noise.",
        ),
        (
            Speed((9,), (10_000,), 5),
            FAST,
            "Without the profiler a decode step took 2.00 µs (one run) before and 800 ns (median of 3 runs) after.",
        ),
        (
            SLOW,
            None,
            "Without the profiler a decode step took 1.00 µs (median of 3 runs) before; after nobody measured it.",
        ),
        (
            None,
            FAST,
            "Without the profiler a decode step took 800 ns (median of 3 runs) after; before nobody measured it.",
        ),
    ],
)
def test_speeds_without_the_profiler(before: Speed | None, after: Speed | None, sentence: str) -> None:
    assert speeds(with_speeds(before, after)) == [sentence]


def test_of_a_prefill_its_own_speed_is_told() -> None:
    assert speeds(with_speeds(SLOW, FAST, "prefill"))[0].startswith("Without the profiler a prefill took 900 ns ")
    assert speeds(with_speeds(SLOW, FAST, "other")) == []
    assert speeds(with_speeds(None, None)) == []
    assert median_run(None, "decode") == "unknown"


def test_rows_that_mislead_because_kernels_overlap_are_told() -> None:
    assert overlap_sentence(overlapping()).startswith(
        "Kernels overlap more on one side (4.00 µs of kernel time in 4.00 µs of busy time a step before, 7.20 µs of "
        "kernel time in 3.60 µs of busy time after): "
    )
    assert overlap_sentence(faster()) == overlap_sentence(tables()) == ""


def test_phases_that_cannot_be_compared_are_told_with_the_reason() -> None:
    assert phase_sentences(phases_of_one_side()) == [
        "Phase load has no steps, and is not compared: 440 µs of kernel time a capture before, 405 µs after.",
        "Phase warmup has steps without counterparts (10 steps before, 0 after), and is not compared: 4.40 ms of "
        "kernel time a capture before, 405 µs after.",
        "Phase prefill is there only before: 4.40 ms of kernel time a capture.",
    ]


def test_limitations_are_those_of_the_captures_at_hand() -> None:
    assert any("one capture a side" in sentence for sentence in limitations(one_a_side()))
    several = limitations(faster())
    assert not any("one capture a side" in sentence for sentence in several)
    assert any("spread between the captures at hand" in sentence for sentence in several)
    assert not any("processes" in sentence or "different numbers" in sentence for sentence in several)


def test_what_tables_of_sums_do_not_tell_is_told() -> None:
    (sentence,) = limitations(tables())
    assert all(word in sentence for word in ("phases", "steps", "layers", "idle time", "order", "noise"))
    one = tables().before
    assert len(limitations(compared(side("two", [*one.captures] * 2, Fingerprint()), one))) == 2


def test_pooled_processes_other_numbers_of_steps_and_hidden_kernels_are_told() -> None:
    work = [*AFTER, ("", "", "memset_like", 1, 900)]
    one = replace(phase(work, idle_ns={IdleKind.LAUNCH: 100}), processes=2)
    other = replace(phase(work, steps=7), other_busy_ns={HIDDEN: 700}, idle_ns=np.zeros(len(IdleKind), np.int64))
    found = limitations(compared(side("s", [capture(one)]), side("s", [capture(other)])))
    for words in (
        "Several processes ran decode",
        "different numbers of steps",
        "900 ns before and 900 ns after are not attributed",
        "--cuda-graph-trace=node",
    ):
        assert any(words in sentence for sentence in found), words
