"""Runs a program as it is, to see how fast it is without a profiler."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.capture.interrupts import stop_on_request
from workbench.capture.plain_run import run_plainly
from workbench.capture.workload import VARIABLE, read_workload


@dataclass(frozen=True)
class Measured:
    """A run: its exit code, and what the program said of it (None where it said nothing)."""

    exit_code: int
    workload: dict[str, Any] | None


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Runs a program that says of itself how fast it was.

    Raises:
        UserError: what it said makes no sense.
        KeyboardInterrupt: the user stopped it.
    """
    with tempfile.TemporaryDirectory(prefix="wb-") as folder, stop_on_request() as stop:
        file = Path(folder) / "workload.json"
        run = run_plainly(command, environment={**environment, VARIABLE: str(file)}, stop=stop)
        if run.interrupted:
            raise KeyboardInterrupt
        return Measured(run.exit_code or 0, read_workload(file))
