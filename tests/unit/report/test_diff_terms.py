from tests.unit.report.comparisons import faster, itself, tables, unshown
from workbench.report.diff_tables import compared_rows, row_table, step_table
from workbench.report.diff_terms import diff_terms
from workbench.report.terms import terms


def test_terms_are_those_that_the_comparison_needs() -> None:
    defined = dict(diff_terms(faster()))
    assert "fused" in defined
    assert "renamed" not in defined
    assert defined["waiting for launches"] == dict(terms())["waiting for launches"]
    assert "no work" not in defined
    assert "fused" not in dict(diff_terms(unshown()))


def test_headings_that_do_not_speak_for_themselves_are_defined() -> None:
    comparison = faster()
    assert comparison.phase is not None
    assert comparison.phase.step is not None
    headings = {*row_table(compared_rows(comparison)).headings, *step_table(comparison.phase.step).headings}
    defined = {word for term, _ in diff_terms(comparison) for word in term.split(", ")}
    assert headings - defined == {"phase, layer type, role", "verdict", "before", "after", "part"}


def test_terms_are_not_defined_twice() -> None:
    for comparison in (faster(), itself(), tables()):
        names = [term for term, _ in diff_terms(comparison)]
        assert len(names) == len(set(names))


def test_of_tables_of_sums_nothing_is_said_of_steps() -> None:
    assert [term for term, _ in diff_terms(tables())] == ["before, after", "difference, change", "unpaired"]
