from collections.abc import Callable
from pathlib import Path

import pytest

from tests.schemas import check
from tests.unit.report.rendered import pictures
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.errors import UserError
from workbench.findings.document import FindingsDocument
from workbench.report.findings import MARK
from workbench.report.findings_files import report_files
from workbench.report.findings_json import to_json
from workbench.report.findings_sql import to_sql
from workbench.report.origin import UNKNOWN, Origin

Named = Callable[[str], Analysis]
Document = Callable[[Analysis], FindingsDocument]


def test_a_report_has_its_picture_and_its_sql_beside_it(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    files = report_files(report, Path("out/my report.md"), Origin(manifest=a_manifest()), as_json=False)
    assert [path.as_posix() for path in files.texts] == ["out/my report.md", "out/my report.svg", "out/my report.sql"]
    markdown, picture, sql = files.texts.values()
    assert pictures(markdown) == ["my%20report.svg"]
    assert "[my report.sql](my%20report.sql)" in markdown
    assert "python run.py" in picture
    assert sql == to_sql(report)
    assert files.stale == ()


def test_every_file_bears_the_mark_by_which_it_is_known(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    for as_json in (False, True):
        files = report_files(report, Path("report"), UNKNOWN, as_json=as_json)
        assert all(files.mark in text for text in files.texts.values())
        assert (files.mark == MARK) != as_json


def test_what_a_report_lacks_an_earlier_one_may_have_left(odd: Named, document: Document) -> None:
    report = document(odd("without_ranges"))
    files = report_files(report, Path("out/report.md"), UNKNOWN, as_json=False)
    assert [path.as_posix() for path in files.texts] == ["out/report.md"]
    assert [path.as_posix() for path in files.stale] == ["out/report.svg", "out/report.sql"]


def test_json_is_one_file_and_leaves_others_alone(odd: Named, document: Document) -> None:
    report = document(odd("without_ranges"))
    files = report_files(report, Path("report.md"), Origin(manifest=a_manifest()), as_json=True)
    assert files.texts == {Path("report.md"): to_json(report, a_manifest())}
    assert files.stale == ()
    check(files.texts[Path("report.md")], "findings")


@pytest.mark.parametrize("name", ["report.svg", "report.sql"])
def test_a_report_is_not_called_what_lies_beside_it(odd: Named, document: Document, name: str) -> None:
    with pytest.raises(
        UserError, match=rf"{name} is what a file beside the report is called; name the report report\.md"
    ):
        report_files(document(odd("without_ranges")), Path(name), UNKNOWN, as_json=False)
