"""What is known of a profiled program, of which nsys, not we, is the parent."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProgramStatus:
    """A file in which the shell around the program notes its process id at the start and the exit code at the end.

    The shell leads a process group, to which the program belongs.
    """

    file: Path

    @property
    def process_id(self) -> int | None:
        """The shell's; None before the program has started."""
        return next(iter(self._numbers()), None)

    @property
    def exit_code(self) -> int | None:
        """The program's (128 + n after signal n); None before its end, and if the shell was killed with it."""
        return next(iter(self._numbers()[1:]), None)

    def has_ended(self) -> bool:
        """Whether the program does not run, any more or yet."""
        if self.exit_code is not None:
            return True
        try:
            fields = Path(f"/proc/{self.process_id}/stat").read_text(errors="replace")
        except OSError:
            return True
        # The second field is the name, in parentheses; the third is the state. A zombie has ended.
        return fields.rpartition(")")[2].split()[0] == "Z"

    def send(self, number: signal.Signals) -> None:
        """Signals the program's whole group, if there is one."""
        if self.process_id is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process_id, number)

    def _numbers(self) -> list[int]:
        try:
            return [int(line) for line in self.file.read_text().splitlines()]
        except FileNotFoundError:
            return []
