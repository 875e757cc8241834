"""Runs `wb` as a user does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WB = [sys.executable, "-m", "workbench"]


def environment(**variables: str) -> dict[str, str]:
    """The test's environment and `variables`; the project is found wherever `wb` runs, and no terminal is."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return {**inherited, "PYTHONPATH": path, **variables}


def wb(*arguments: str | Path, folder: Path, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs `wb` in a folder.

    Args:
        arguments: of the command.
        folder: the current one.
        typed: what its standard input holds.
        variables: of its environment, besides those of the test.
    """
    return subprocess.run(
        [*WB, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def is_one_sentence(errors: str) -> bool:
    """Whether all that was said on standard error is one line of `wb`'s own."""
    return errors.startswith("wb: ") and errors.count("\n") == 1
