import pytest

from workbench.report import quantities


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (1, "1 ns"),
        (999, "999 ns"),
        (52.5, "52.5 ns"),
        (1_000, "1.00 µs"),
        (12_345, "12.3 µs"),
        (999_499, "999 µs"),
        (4_912_345, "4.91 ms"),
        (1_500_000_000, "1.50 s"),
        (123_000_000_000, "123 s"),
        (12_345_000_000_000, "12345 s"),
        (-1_500, "-1.50 µs"),
    ],
)
def test_times_have_three_digits_and_the_unit_that_fits(ns: float, text: str) -> None:
    assert quantities.time(ns) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (4, "4 B"), (512, "512 B"), (1_000, "1.00 kB"), (65_536, "65.5 kB"), (3_413_000_000, "3.41 GB")],
)
def test_sizes_are_in_powers_of_ten(count: int, text: str) -> None:
    assert quantities.size(count) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0.0 %"),
        (1, "100.0 %"),
        (0.58, "58.0 %"),
        (0.001, "0.1 %"),
        (0.0003, "0.03 %"),
        (0.00005, "0.01 %"),
        (0.00001, "<0.01 %"),
    ],
)
def test_shares_are_percents_and_small_ones_do_not_vanish(fraction: float, text: str) -> None:
    assert quantities.share(fraction) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (44_352, "44 352"),
        (1_000_000, "1 000 000"),
        (2.0, "2"),
        (2.25, "2.2"),
        (1234.5, "1 234.5"),
    ],
)
def test_counts_are_grouped_by_three(number: float, text: str) -> None:
    assert quantities.count(number) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "kernel", "1 kernel"),
        (0, "kernel", "0 kernels"),
        (44_352, "kernel", "44 352 kernels"),
        (1, "graph launch", "1 graph launch"),
        (2, "graph launch", "2 graph launches"),
    ],
)
def test_one_thing_is_not_many(number: int, noun: str, text: str) -> None:
    assert quantities.counted(number, noun) == text


@pytest.mark.parametrize(
    ("number", "time_ns", "text"),
    [
        (8, 804_000_000, "9.95"),
        (1, 55_900_000, "17.9"),
        (24, 118_000_000, "203"),
        (4, 98_800, "40 500"),
        (1, 30_000_000_000, "0.0333"),
        (1, 1_000_000_000, "1.00"),
        (3, 0, "-"),
    ],
)
def test_rates_have_three_digits(number: int, time_ns: int, text: str) -> None:
    assert quantities.rate(number, time_ns) == text


def test_an_interval_that_reads_as_one_value_is_one() -> None:
    assert quantities.interval("1.00 µs", "2.00 µs") == "1.00 µs to 2.00 µs"
    assert quantities.interval("4.13 µs", "4.13 µs") == "4.13 µs"


def test_an_axis_has_one_unit_that_of_its_longest_time() -> None:
    assert quantities.times([0, 250_000, 1_000_000]) == ["0", "0.25 ms", "1.00 ms"]
    assert quantities.times([0, 5]) == ["0", "5.00 ns"]
    assert quantities.times([]) == []
    assert quantities.times([0]) == ["0"]


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (1e-9, "0 ns"),
        (0.25, "+0.25 ns"),
        (-5, "-5 ns"),
        (12_345, "+12.3 µs"),
        (-197_000, "-197 µs"),
    ],
)
def test_a_difference_has_a_sign_unless_it_is_one_of_rounding(ns: float, text: str) -> None:
    assert quantities.difference(ns) == text


@pytest.mark.parametrize(
    ("low_ns", "high_ns", "text"),
    [
        (-210_000, -184_000, "-210 to -184 µs"),
        (-3_000, 12_000, "-3.00 to +12.0 µs"),
        (0, 5_000, "0 to +5.00 µs"),
        (-5_000, 0, "-5.00 to 0 µs"),
        (5, 5, "+5.00 ns"),
        (0, 0, "0 ns"),
        (-1, 1_000_000, "-0.00 to +1.00 ms"),
    ],
)
def test_an_interval_of_differences_has_one_unit(low_ns: float, high_ns: float, text: str) -> None:
    assert quantities.differences(low_ns, high_ns) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0.0 %"),
        (0.123, "+12.3 %"),
        (-0.123, "-12.3 %"),
        (-0.0003, "-0.03 %"),
        (-0.00001, "<0.01 %"),
        (9.99, "+999.0 %"),
        (12.3456, "+1 235 %"),
    ],
)
def test_a_change_is_a_share_with_a_sign(fraction: float, text: str) -> None:
    assert quantities.change(fraction) == text


def test_times_on_an_axis_have_as_many_decimals_as_tell_them_apart() -> None:
    assert quantities.axis([0, 20e6, 40e6], 20e6) == ["0", "20 ms", "40 ms"]
    assert quantities.axis([1.404e6, 1.406e6], 2e3) == ["1.404 ms", "1.406 ms"]
    assert quantities.axis([0.5, 1.0], 0.5) == ["0.5 ns", "1.0 ns"]
