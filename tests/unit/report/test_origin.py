from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from workbench.report.origin import as_named


@pytest.mark.parametrize("typed", ["profiles/hf_qwen3_graph", "a b.sqlite", "../theirs.nsys-rep", "."])
def test_what_was_typed_stays(typed: str) -> None:
    assert as_named(Path(typed)) == typed


@pytest.mark.parametrize(
    "path",
    [
        PurePosixPath("/home/ada/model/run.sqlite"),
        PureWindowsPath(r"C:\Users\Ada\model\run.sqlite"),
        PureWindowsPath(r"C:model\run.sqlite"),
        PureWindowsPath(r"\model\run.sqlite"),
    ],
)
def test_no_folder_of_the_users_is_shown(path: PurePath) -> None:
    assert as_named(path) == "run.sqlite"
