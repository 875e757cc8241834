"""Asks small programs of the system for facts."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT_S = 30


def output_of(command: Sequence[str], folder: Path | None = None) -> str | None:
    """What the command prints; None if it cannot be run, fails, or takes too long.

    Args:
        command: the program and its arguments.
        folder: where to run it; None for the current one.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=True,
            cwd=folder,
            errors="replace",
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
