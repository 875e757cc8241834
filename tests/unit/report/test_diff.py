import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.report.comparisons import (
    BEFORE,
    COMPARISONS,
    ENGINE,
    capture,
    compared,
    engine_side,
    faster,
    itself,
    names_of_all_kinds,
    one_a_side,
    phase,
    side,
    slower,
    tables,
    tables_without_kernels,
    unshown,
)
from workbench.analysis.idle import IdleKind
from workbench.compare.comparison import Comparison
from workbench.compare.estimate import Change, Estimate
from workbench.compare.measurement import Total
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.recorders import CPU_NOTICE, ENGINE_CPU
from workbench.report.diff import (
    DiffOrigin,
    change_words,
    command,
    largest_parts,
    listed,
    notice,
    pace,
    part_label,
    side_text,
    title,
    verdict,
    verdict_change,
)


def estimate(before: float, after: float, *, is_significant: bool | None = None) -> Estimate:
    return Estimate(before, after, after - before, None, None, None, None, is_significant)


def test_a_real_difference_is_told_with_its_size_its_interval_and_where_it_comes_from() -> None:
    assert re.fullmatch(
        r"Decode became 14\.9 % faster: a mean step takes 429 µs instead of 504 µs \(-75\.0 µs, 95 % interval -\d+\.\d "
        r"to -\d+\.\d µs\), mostly attention \(-50\.0 µs\) and waiting for launches \(-40\.0 µs\), "
        r"but without the profiler 0\.0 %\.",
        verdict(faster()),
    )
    assert verdict(slower()).startswith(
        "Decode became 17.5 % slower: a mean step takes 504 µs instead of 429 µs (+75.0 µs"
    )


def test_where_no_difference_is_shown_it_says_what_would_have_been() -> None:
    text = verdict(unshown())
    assert text.startswith("No difference in decode is shown: a mean step takes 504 µs on both sides (+32 ns, ")
    assert re.search(r"; a difference of 0\.\d % \(\d\.\d\d µs\) would have shown 4 times in 5\.$", text)


def test_one_capture_a_side_allows_no_verdict() -> None:
    assert verdict(one_a_side()).startswith(
        "Decode looks 14.9 % faster, but one capture a side allows no verdict: a mean step takes 429 µs instead of 504 "
    )


def test_what_is_the_same_differs_in_nothing() -> None:
    assert verdict(itself()) == "Nothing differs: steps, kernels and idle times are the same to the nanosecond."


def test_calls_that_alone_differ_are_told() -> None:
    one, other = (
        side("s", [replace(capture(phase(BEFORE)), calls={"cudaFree": Total(1, each_ns)})]) for each_ns in (5, 6)
    )
    text = verdict(compared(one, other))
    assert text.startswith("Nothing differs on the GPU: ")
    assert text.endswith("; only API calls, copies or memsets do.")


def test_of_tables_of_sums_totals_are_told_and_no_verdict() -> None:
    assert verdict(tables()) == (
        "Kernels took 800 µs instead of 970 µs (-17.5 %), in 100 calls instead of 110; sums of whole runs tell no "
        "phases, steps, layers, idle time, order or noise, so there is no verdict."
    )
    assert "do not hold them" in verdict(tables_without_kernels())
    one = tables().before
    assert verdict(compared(one, one)) == "Nothing differs: totals and counts are the same to the nanosecond."


def test_totals_of_several_captures_are_means() -> None:
    one = engine_side("three", BEFORE, 0, 3)
    text = verdict(compared(one, tables().after))
    # Decode, prefill and load of one capture.
    assert text.startswith("Kernels took 800 µs instead of 4.76 ms ")


@pytest.mark.parametrize("build", COMPARISONS.values(), ids=COMPARISONS)
def test_every_verdict_is_one_line_that_ends_as_a_sentence(build: Callable[[], Comparison]) -> None:
    text = verdict(build())
    assert text.isprintable()
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("build", "change"),
    [
        (faster, Change.BETTER),
        (slower, Change.WORSE),
        (unshown, Change.NONE_SHOWN),
        (one_a_side, Change.UNDECIDED),
        (tables, None),
    ],
)
def test_the_verdict_is_known_to_be_good_or_bad(build: Callable[[], Comparison], change: Change | None) -> None:
    assert verdict_change(build()) is change


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1000, 877, "12.3 % faster"),
        (1000, 1123, "12.3 % slower"),
        (1000, 400, "2.5 times as fast"),
        (400, 1000, "2.5 times as slow"),
        (0, 5, "slower"),
        (5, 0, "faster"),
    ],
)
def test_the_pace_is_told_in_percent_or_times(before: float, after: float, text: str) -> None:
    assert pace(estimate(before, after)) == text


@pytest.mark.parametrize(
    ("difference", "is_significant", "text"),
    [
        (-1, True, "faster"),
        (1, True, "slower"),
        (1, False, "no difference shown"),
        (1, None, "no verdict"),
        (0, None, "equal"),
    ],
)
def test_a_change_in_a_word(difference: float, is_significant: bool | None, text: str) -> None:
    assert change_words(estimate(5, 5 + difference, is_significant=is_significant)) == text


def test_idle_time_is_not_fast_but_short() -> None:
    assert change_words(estimate(5, 4, is_significant=True), is_idle=True) == "shorter"
    assert change_words(estimate(4, 5, is_significant=True), is_idle=True) == "longer"


def parts(*differences: int) -> list[Contribution]:
    return [
        Contribution(f"part {number}", False, estimate(1000, 1000 + difference), None)
        for number, difference in enumerate(differences)
    ]


def verdict_of(*differences: int) -> str:
    """The verdict on a step whose parts changed so."""
    wall = estimate(10_000, 10_000 + sum(differences))
    step = ReconciledStep("decode", 1, 1, wall, wall.before, wall.after, tuple(parts(*differences)), 0.0)
    comparison = one_a_side()
    phases = tuple(replace(one, step=step) if one.phase == "decode" else one for one in comparison.phases)
    return verdict(replace(comparison, phases=phases))


@pytest.mark.parametrize(
    ("differences", "text"),
    [
        ((-90, -10), ", mostly part 0 (-90 ns)."),
        ((-10, -40, -50), ", mostly part 2 (-50 ns) and part 1 (-40 ns)."),
        ((10, -100), ", mostly part 1 (-100 ns)."),
        ((40, -100), ", mostly part 1 (-100 ns), against part 0 (+40 ns)."),
        ((-10,) * 9, ", spread over 9 parts, first part 0 (-10 ns)."),
        ((10,) * 4, ", mostly part 0 (+10 ns), part 1 (+10 ns) and part 2 (+10 ns)."),
    ],
)
def test_the_parts_that_make_most_of_a_change_are_named(differences: tuple[int, ...], text: str) -> None:
    assert verdict_of(*differences).endswith(text)


def test_parts_are_called_as_everywhere() -> None:
    wait = Contribution(IdleKind.LAUNCH.label, True, estimate(1, 2), None)
    assert part_label(wait) == "waiting for launches"
    assert part_label(replace(wait, label="a\nb", is_idle=False)) == "a b"
    assert len(part_label(replace(wait, label="w" * 150, is_idle=False))) == 64


def test_the_largest_parts_keep_their_order_and_no_part_is_left_out_alone() -> None:
    some = parts(1, -5, 3, 0)
    shown, small = largest_parts(some, 2)
    assert (shown, small) == ([some[1], some[2]], [some[0], some[3]])
    assert largest_parts(some, 3) == (some, [])
    assert largest_parts(some, None) == (some, [])
    assert largest_parts(some, None, least_ns=2) == ([some[1], some[2]], [some[0], some[3]])


def test_the_title_names_both_sides_and_what_is_under_test() -> None:
    assert title(faster()) == "slow -> fast (commit under test)"
    assert title(replace(faster(), vary=("graphs", "weights"))) == "slow -> fast (graphs, weights under test)"
    assert title(replace(faster(), vary=())) == "slow -> fast"
    assert title(names_of_all_kinds()).isprintable()


def test_a_side_is_told_by_its_captures_and_steps() -> None:
    comparison = faster()
    assert side_text(comparison, comparison.before) == "3 captures, 30 steps of decode"
    assert side_text(tables(), tables().after) == "1 capture as tables of sums"


def test_times_of_a_cpu_are_told_first() -> None:
    assert notice(faster()) == ""
    cpu = side("s", [capture(phase(BEFORE))], replace(ENGINE, recorder=ENGINE_CPU))
    assert notice(compared(cpu, cpu)) == CPU_NOTICE


def test_the_command_says_what_was_asked() -> None:
    assert command(faster(), DiffOrigin()) == ["wb", "diff", "slow", "fast"]
    asked = replace(faster(), vary=("graphs", "weights"), focus="prefill")
    assert command(asked, DiffOrigin("a/b", "c", ("r.yaml",))) == [
        *("wb", "diff", "a/b", "c", "--vary", "graphs,weights", "--phase", "prefill", "--rules", "r.yaml")
    ]


def test_lists_read_as_people_write_them() -> None:
    assert [listed("abc"[:number]) for number in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
