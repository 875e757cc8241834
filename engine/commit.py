"""The commit of the engine's own repository, where it runs from one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 10


@dataclass(frozen=True)
class Commit:
    """A commit, and whether files differ from it."""

    sha: str
    dirty: bool


def own_commit(folder: Path = Path(__file__).parent) -> Commit | None:
    """The commit that the code in `folder` is of; None where it belongs to no repository, or there is no git."""
    # An environment inside a repository holds packages that are not its own.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    sha = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    if sha is None or changes is None:
        return None
    return Commit(sha.strip(), bool(changes.strip()))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        process = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return process.stdout
