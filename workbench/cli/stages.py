"""What `wb profile` says of its progress."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

# What nobody but us puts anything on the terminal during.
_OURS = ("exporting", "scrubbing", "attributing", "writing")


def say(message: str) -> None:
    """Says something on standard error, for standard output is the program's; no recording ends if nobody listens."""
    try:
        print(f"wb: {message}", file=sys.stderr, flush=True)
    except OSError:
        # Python would fail once more at its own end. The program keeps the stream as it is.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


class Stages:
    """Says a line for each stage; a stage in which no program is running moves, where that can be seen."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def __enter__(self) -> "Stages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def __call__(self, message: str) -> None:
        """A stage begins."""
        self.end()
        if sys.stderr.isatty() and message.rpartition(": ")[2] in _OURS:
            from rich.console import Console

            self._status = Console(stderr=True).status(f"wb: {message}")
            self._status.start()
        else:
            say(message)

    def end(self) -> None:
        """The stage that began last ends."""
        if self._status:
            self._status.stop()
            self._status = None
