from dataclasses import replace

import pytest

from tests.unit.gate.measured_models import FINGERPRINT
from workbench.cli import code_age
from workbench.cli.code_age import age_of
from workbench.compare.fingerprint import Fingerprint
from workbench.report.baseline_published import Age


@pytest.mark.parametrize(
    ("differs", "worktree", "age"),
    [
        (False, "clean", Age.CURRENT),
        (False, None, Age.CURRENT),
        (False, "with changes", Age.CHANGED),
        (True, "clean", Age.STALE),
        (True, "with changes", Age.STALE),
        (None, "clean", Age.UNKNOWN),
    ],
)
def test_the_age_follows_from_what_git_says(
    monkeypatch: pytest.MonkeyPatch, differs: bool | None, worktree: str | None, age: Age
) -> None:
    monkeypatch.setattr(code_age, "_differs", lambda _: differs)
    assert age_of(replace(FINGERPRINT, worktree=worktree)) is age


@pytest.mark.parametrize("commit", [None, "--output=x", "f" * 40])
def test_what_git_does_not_know_is_unknown(commit: str | None) -> None:
    assert age_of(replace(FINGERPRINT, commit=commit)) is Age.UNKNOWN


@pytest.mark.parametrize("commit", ["main", "HEAD", "v1", "abc123", "A" * 40, "a" * 41])
def test_what_is_no_commit_is_unknown(monkeypatch: pytest.MonkeyPatch, commit: str) -> None:
    monkeypatch.setattr(code_age, "_differs", lambda _: False)
    assert age_of(replace(FINGERPRINT, commit=commit)) is Age.UNKNOWN


def test_the_commit_of_an_imported_baseline_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_age, "_differs", lambda _: False)
    assert age_of(Fingerprint(model="m", commit="a" * 40, gpu="NVIDIA H200")) is Age.UNKNOWN
