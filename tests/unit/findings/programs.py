"""Small programs for the detectors: one host thread and one GPU, with times that a reader can add up by hand.

The GPU begins a second after the host, so work is queued long before it runs and the GPU waits only where a test
says so. A launch that is `late` is called just before its operation starts: the GPU is starved of launches until
then, and from then on the host is no longer ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.exports import Export

CALL_NS = 10
H2D, D2H, D2D = 1, 2, 8
PAGEABLE, PINNED, DEVICE = 0, 1, 2


@dataclass
class Program:
    """A program while it runs.

    Attributes:
        export: what is recorded of it.
        pid: its process id, and that of its only thread.
        host_ns: when the host is free to call again.
        gpu_ns: when the GPU is done with all it was given.
    """

    export: Export = field(default_factory=Export)
    pid: int = 7
    host_ns: int = 0
    gpu_ns: int = 10**9
    _steps: dict[str, int] = field(default_factory=dict)
    _graph_launch: int | None = None

    @contextmanager
    def range(self, name: str, **options: Any) -> Iterator[None]:
        """An NVTX range around what the host calls meanwhile."""
        begin_ns = self.host_ns
        yield
        self.export.range(name, begin_ns, self.host_ns, pid=self.pid, tid=self.pid, **options)

    @contextmanager
    def step(self, phase: str = "decode", number: int | None = None) -> Iterator[None]:
        """A step's range; steps of a phase are numbered as they come."""
        number = self._steps.get(phase, 0) if number is None else number
        self._steps[phase] = number + 1
        with self.range(f"{phase} {number}"):
            yield

    def call(self, name: str, duration_ns: int = CALL_NS) -> int:
        """An API call; returns its correlation id."""
        begin_ns = self.host_ns
        self.host_ns += duration_ns
        return self.export.call(name, begin_ns, self.host_ns, pid=self.pid, tid=self.pid)

    def synchronize(self, after_gpu_ns: int = 0, name: str = "cudaStreamSynchronize_v3020") -> None:
        """A call that returns when the GPU is done, and some time later than that."""
        self.call(name, max(CALL_NS, self.gpu_ns + after_gpu_ns - self.host_ns))

    def kernel(
        self,
        name: str,
        duration_ns: int,
        *,
        wait_ns: int = 0,
        late: bool = False,
        launch: str = "cudaLaunchKernel_v7000",
        **options: Any,
    ) -> None:
        """A kernel that starts `wait_ns` after all work before it ended; a negative wait lets it overlap."""
        correlation, start_ns = self._launched(launch, wait_ns, late)
        self.export.kernel(name, start_ns, start_ns + duration_ns, correlation, pid=self.pid, **options)
        self.gpu_ns = max(self.gpu_ns, start_ns + duration_ns)

    def copy(
        self,
        kind: int,
        size: int,
        duration_ns: int,
        *,
        wait_ns: int = 0,
        late: bool = False,
        blocking: bool = False,
        source: int = PINNED,
        destination: int = DEVICE,
        **options: Any,
    ) -> None:
        """A copy; a blocking one holds the host until it is done."""
        correlation, start_ns = self._launched(
            "cudaMemcpy_v3020" if blocking else "cudaMemcpyAsync_v3020",
            wait_ns,
            late,
            call_ns=max(CALL_NS, self.gpu_ns + wait_ns + duration_ns - self.host_ns) if blocking else CALL_NS,
        )
        self.export.copy(
            kind,
            size,
            start_ns,
            start_ns + duration_ns,
            correlation,
            pid=self.pid,
            source=source,
            destination=destination,
            **options,
        )
        self.gpu_ns = max(self.gpu_ns, start_ns + duration_ns)

    def memset(self, size: int, duration_ns: int, *, wait_ns: int = 0, late: bool = False) -> None:
        """A memset."""
        correlation, start_ns = self._launched("cudaMemsetAsync_v3020", wait_ns, late)
        self.export.memset(size, start_ns, start_ns + duration_ns, correlation, pid=self.pid)
        self.gpu_ns = max(self.gpu_ns, start_ns + duration_ns)

    def node(self, node: int) -> None:
        """A graph node, made where the host is now."""
        self.export.node(node, self.host_ns, pid=self.pid, tid=self.pid)
        self.host_ns += CALL_NS

    @contextmanager
    def graph_launch(self) -> Iterator[None]:
        """One launch of a graph; the kernels inside are its nodes."""
        self._graph_launch = self.call("cudaGraphLaunch_v10000")
        yield
        self._graph_launch = None

    def hidden_graph(self, duration_ns: int, graph: int = 1) -> None:
        """A graph launch recorded as a single row."""
        correlation, start_ns = self._launched("cudaGraphLaunch_v10000", 0, late=False)
        self.export.hidden_graph(graph, start_ns, start_ns + duration_ns, correlation, pid=self.pid)
        self.gpu_ns = max(self.gpu_ns, start_ns + duration_ns)

    def _launched(self, call: str, wait_ns: int, late: bool, call_ns: int = CALL_NS) -> tuple[int, int]:
        """The correlation id of an operation's launch, and when the operation starts."""
        start_ns = self.gpu_ns + wait_ns
        if self._graph_launch is not None:
            return self._graph_launch, start_ns
        if late:
            self.host_ns = max(self.host_ns, start_ns - CALL_NS)
        assert self.host_ns <= start_ns, "an operation cannot start before it was launched"
        return self.call(call, call_ns), start_ns
