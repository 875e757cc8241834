"""The captures that are kept in profiles/ are what their manifests say."""

from pathlib import Path

import pytest

from tests.conftest import PROFILES
from tests.schemas import check
from workbench.capture.store import digest
from workbench.manifest import FILE_NAME, read_manifest

FOLDERS = sorted(path for path in PROFILES.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_capture_is_the_one_of_its_manifest(folder: Path) -> None:
    check((folder / FILE_NAME).read_text(encoding="utf-8"), "manifest")
    entries = read_manifest(folder).captures
    assert {entry.file for entry in entries} == {path.name for path in folder.iterdir()} - {FILE_NAME}
    assert [digest(folder / entry.file) for entry in entries] == [(entry.sha256, entry.size_bytes) for entry in entries]
