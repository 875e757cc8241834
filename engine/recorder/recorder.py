"""Notes when operations and ranges begin and end."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.annotation import Ranges
from engine.operations import Site
from engine.recorder.export import Export, Operation, Range, write_export


@dataclass
class _Open:
    start_ns: int
    message: str
    category: str | None
    payload: int | None


@dataclass
class Recorder(Ranges):
    """Ranges, and what to put around every operation; times count from when recording began."""

    origin_ns: int = field(default_factory=time.perf_counter_ns)
    operations: list[Operation] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)

    def begin(self, message: str, category: str | None, payload: int | None) -> None:
        """A range begins."""
        self._open.append(_Open(self._now_ns(), message, category, payload))

    def end(self) -> None:
        """The innermost range ends."""
        ended = self._open.pop()
        self.ranges.append(Range(ended.start_ns, self._now_ns(), ended.message, ended.category, ended.payload))

    def around(self, name: str, _site: Site, call: Callable[[], None]) -> None:
        """Does an operation and notes when."""
        start_ns = self._now_ns()
        call()
        self.operations.append(Operation(start_ns, self._now_ns(), name))

    def _now_ns(self) -> int:
        return time.perf_counter_ns() - self.origin_ns


@contextmanager
def recording(target: Path) -> Iterator[Recorder]:
    """Records while the context lasts; then writes `target`, whole or not at all.

    Raises:
        EngineError: the file cannot be written.
    """
    started_ns = time.time_ns()
    recorder = Recorder()
    yield recorder
    thread = threading.get_native_id()
    write_export(target, Export(started_ns, thread, tuple(recorder.operations), tuple(recorder.ranges)))
