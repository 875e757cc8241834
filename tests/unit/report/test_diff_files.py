from pathlib import Path

import pytest

from tests.unit.report.comparisons import COMPARISONS, faster, itself, tables
from tests.unit.report.rendered import pictures
from workbench.errors import UserError
from workbench.report.diff import MARK
from workbench.report.diff_files import diff_files
from workbench.report.diff_json import to_json


def test_a_report_has_its_picture_beside_it() -> None:
    files = diff_files(faster(), Path("out/my report.md"))
    assert [path.as_posix() for path in files.texts] == ["out/my report.md", "out/my report.svg"]
    markdown, picture = files.texts.values()
    assert pictures(markdown) == ["my%20report.svg"]
    assert "slow -&gt; fast (commit under test)" in picture
    assert files.stale == ()


@pytest.mark.parametrize("name", ["itself", "tables"])
def test_where_there_is_nothing_to_draw_an_earlier_picture_goes(name: str) -> None:
    files = diff_files(COMPARISONS[name](), Path("out/report.md"))
    assert list(files.texts) == [Path("out/report.md")]
    assert pictures(files.texts[Path("out/report.md")]) == []
    assert files.stale == (Path("out/report.svg"),)


@pytest.mark.parametrize("as_json", [False, True])
def test_every_file_bears_the_mark_by_which_it_is_known(as_json: bool) -> None:
    files = diff_files(faster(), Path("report"), as_json=as_json)
    assert all(files.mark in text for text in files.texts.values())
    assert (files.mark == MARK) != as_json


def test_json_is_one_file_and_leaves_others_alone() -> None:
    files = diff_files(tables(), Path("report.md"), as_json=True)
    assert files.texts == {Path("report.md"): to_json(tables())}
    assert files.stale == ()


@pytest.mark.parametrize(("name", "problem"), [("report.svg", r"name the report report\.md"), (".", "is a folder")])
def test_a_report_is_not_called_what_cannot_be(name: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        diff_files(itself(), Path(name))
