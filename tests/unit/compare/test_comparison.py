import pytest

from tests.unit.compare.phases import cell, kernel, phase
from workbench.compare.comparison import CaptureSet, Comparison, compare
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.matching import Relation
from workbench.compare.measurement import CaptureMeasurement, Cell, Total
from workbench.compare.results import ResultsComparison, Verdict
from workbench.errors import UserError

RESULTS = ResultsComparison(Verdict.SAME)


def capture(
    *cells: Cell, calls: dict[str, Total] | None = None, name: str = "c", steps: int = 10
) -> CaptureMeasurement:
    return CaptureMeasurement(name, (phase(cells, steps=steps),), None, calls or {}, {})


def table(**totals: Total) -> CaptureMeasurement:
    kernels = {kernel(name): total for name, total in totals.items()}
    return CaptureMeasurement("stats", (), kernels, None, {"memset": Total(1, 5)})


def captures(*members: CaptureMeasurement) -> CaptureSet:
    return CaptureSet("set", members, Fingerprint())


def compared(before: CaptureSet, after: CaptureSet) -> Comparison:
    return compare(before, after, ("commit",), (), RESULTS, "decode")


def test_a_set_does_not_differ_from_itself() -> None:
    one = captures(capture(cell("gemv", 10, 1000)), capture(cell("gemv", 10, 1100)))
    assert compared(one, one).is_without_difference


@pytest.mark.parametrize("other", [cell("gemv", 10, 1001), cell("gemv", 20, 1000), cell("new", 10, 1000)])
def test_a_nanosecond_a_call_or_a_name_is_a_difference(other: Cell) -> None:
    assert not compared(captures(capture(cell("gemv", 10, 1000))), captures(capture(other))).is_without_difference


def test_of_many_rows_few_are_found_different_by_chance() -> None:
    """One row that differs, and one that lies just below 5 % alone: among twenty it is chance."""
    spread = (-10, 0, 10)
    same = [cell(f"k{number}", 10, 1000, role=f"r{number}") for number in range(18)]

    def side(shift: int, doubtful: int) -> CaptureSet:
        return captures(
            *(
                capture(
                    *(cell(one.kernel.short, 10, 1000 + noise, role=one.place.role) for one in same),
                    cell("real", 10, 1000 + noise + shift, role="real"),
                    cell("doubtful", 10, 1000 + noise + doubtful, role="doubtful"),
                )
                for noise in spread
            )
        )

    comparison = compared(side(0, 0), side(500, 25))
    verdicts = {row.role: row.time.is_significant for row in comparison.rows if row.time}
    p_values = {row.role: row.time.p_value for row in comparison.rows if row.time}
    assert p_values["doubtful"] is not None
    assert 0.025 < p_values["doubtful"] < 0.05
    assert {role for role, is_real in verdicts.items() if is_real} == {"real"}


def test_tables_of_sums_are_matched_by_name_alone() -> None:
    comparison = compared(
        captures(table(gemv=Total(3, 300), gone=Total(1, 50))), captures(table(gemv=Total(4, 360), new=Total(1, 10)))
    )
    (row,) = comparison.rows
    assert (row.phase, row.layer_type, row.role, row.time) == (None, None, None, None)
    assert [(pair.before, pair.after, pair.relation) for pair in row.kernels] == [
        (Total(3, 300), Total(4, 360), Relation.SAME),
        (Total(1, 50), None, Relation.UNPAIRED),
        (None, Total(1, 10), Relation.UNPAIRED),
    ]
    assert comparison.phases == ()
    assert comparison.calls is None
    assert comparison.memops is not None


def test_a_capture_is_compared_with_a_table_by_its_sums() -> None:
    one = capture(cell("gemv", 10, 100), cell("gemv", 10, 50, layer=1), cell("gemv", 10, 7, role="q"))
    (row,) = compared(captures(one), captures(table(gemv=Total(30, 157)))).rows
    (pair,) = row.kernels
    assert pair.before == pair.after == Total(30, 157)


def test_a_table_that_tells_no_kernels_has_no_rows() -> None:
    nothing = CaptureMeasurement("stats", (), None, {"cudaFree": Total(1, 1)}, None)
    comparison = compared(captures(nothing), captures(nothing))
    assert comparison.rows == ()
    assert comparison.calls is not None
    assert comparison.memops is None


def test_calls_are_added_up_over_captures() -> None:
    one = captures(capture(cell("k", 10, 10), calls={"cudaFree": Total(1, 10), "cudaMalloc": Total(1, 99)}))
    other = captures(*(capture(cell("k", 10, 10), calls={"cudaFree": Total(2, 20)}, name=name) for name in "ab"))
    found = compared(one, other).calls
    assert found is not None
    assert [(total.name, total.before, total.after) for total in found] == [
        ("cudaMalloc", Total(1, 99), None),
        ("cudaFree", Total(1, 10), Total(4, 40)),
    ]


def test_a_capture_without_steps_is_refused() -> None:
    with pytest.raises(UserError, match=r"odd has no steps of decode"):
        compared(captures(capture(cell("k", 1, 1))), captures(capture(cell("k", 1, 1), name="odd", steps=0)))
