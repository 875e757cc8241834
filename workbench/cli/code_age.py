"""Whether what was measured is still what the code does."""

import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.compare.fingerprint import Fingerprint
    from workbench.report.baseline_published import Age

# What decides how fast a model runs and what it computes.
_CODE = ("engine", "kernels_cu")
# A branch or a tag is none: it names another commit tomorrow.
_COMMIT = re.compile("[0-9a-f]{7,40}")
_DIFFERS, _TIMEOUT_S = 1, 60


def age_of(one: "Fingerprint") -> "Age":
    """How the code that was measured relates to the engine's as it lies here, uncommitted changes included."""
    from workbench.report.baseline_published import Age

    # Another program's commit is of another repository, though this one may have one whose name begins alike.
    if one.program is None or one.commit is None or not _COMMIT.fullmatch(one.commit):
        return Age.UNKNOWN
    differs = _differs(one.commit)
    if differs is None:
        return Age.UNKNOWN
    if differs:
        return Age.STALE
    return Age.CHANGED if one.worktree == "with changes" else Age.CURRENT


@cache
def _differs(commit: str) -> bool | None:
    """Whether the engine or its kernels differ from those of a commit; None where git cannot tell."""
    found = find_spec("engine")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parents[1]
    try:
        done = subprocess.run(
            ["git", "diff", "--quiet", commit, "--", *_CODE],
            cwd=folder,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode not in (0, _DIFFERS) else bool(done.returncode)
