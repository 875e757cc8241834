"""What is measured of a model: by `wb baseline record` to be kept, by `wb gate` to be held against what was kept."""

from dataclasses import dataclass
from statistics import median

from workbench.compare.fingerprint import Fingerprint


@dataclass(frozen=True)
class Request:
    """How a model is run, so that it can be run again; the engine's options, as far as they are not its defaults.

    Attributes:
        model: a name in the registry, or a path as it was given.
        weights, weight_format: as the engine's options; None for its defaults.
        variants: optimisations that are left out.
        backend: `cuda` or `numpy`.
        chunk, seed: likewise.
        tests: which benches are run: `default` (prefill 128, 512 and 4096, decode 128), `long` or `all`.
        workload: of the captures, such as `pp=256,tg=48`.
    """

    model: str
    weights: str | None = None
    weight_format: str | None = None
    variants: tuple[str, ...] = ()
    backend: str = "cuda"
    chunk: int | None = None
    seed: int | None = None
    tests: str = "default"
    workload: str = "pp=256,tg=48"


@dataclass(frozen=True)
class Number:
    """The times of one bench.

    Attributes:
        name: `prefill.512`, `decode.128`, `decode.128.graphs_off`, `decode.256@4096` (behind so many tokens).
        phase: `prefill` or `decode`.
        tokens: how many tokens one time is for.
        depth: how many tokens were in the cache before.
        graphs: whether decode ran in graphs; None for prefill.
        samples_ns: times by process; processes differ by more than repetitions within one do, so they are the samples.
    """

    name: str
    phase: str
    tokens: int
    depth: int
    graphs: bool | None
    samples_ns: tuple[tuple[int, ...], ...]

    @property
    def medians_ns(self) -> tuple[float, ...]:
        """The median of each process."""
        return tuple(float(median(times_ns)) for times_ns in self.samples_ns)

    @property
    def median_ns(self) -> float:
        """The median of the processes' medians."""
        return median(self.medians_ns)

    @property
    def tokens_per_s(self) -> float:
        """Its speed."""
        return self.tokens / self.median_ns * 1e9


@dataclass(frozen=True)
class Memory:
    """Device memory by use, in bytes: the largest over processes."""

    weights_bytes: int
    cache_bytes: int
    workspaces_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Part:
    """A part of a captured decode step: a layer type's busy time, other busy time, or idle time of a kind."""

    label: str
    is_idle: bool
    time_ns: float


@dataclass(frozen=True)
class StepFacts:
    """What one capture tells of its decode steps, with the profiler on.

    Attributes:
        graphs: whether the steps ran in graphs, as the trace shows, whatever was asked for.
        steps: how many.
        wall_ns: a mean step.
        parts: what it is made of; adds up to `wall_ns`.
        kernels, launches: a step, on average; a graph launch is one launch.
        breaking_calls: calls in steps that a graph's capture would not survive, or that stall the host, by name, a
            step on average: allocations, releases, synchronisations, pageable copies, module loads.
        profiled_ns, unprofiled_ns: a decode step as the program itself timed it, with the profiler and without; None
            where it did not.
    """

    graphs: bool
    steps: int
    wall_ns: float
    parts: tuple[Part, ...]
    kernels: float
    launches: float
    breaking_calls: tuple[tuple[str, float], ...]
    profiled_ns: float | None
    unprofiled_ns: float | None


@dataclass(frozen=True)
class Results:
    """What the model computed; None where it does not tell.

    Attributes:
        tokens_sha256, tokens: of the first process.
        logits_sha256, logits: of the first process, behind a prompt.
        agree: whether all processes and captures that tell chose the same tokens.
    """

    tokens_sha256: str | None
    tokens: tuple[int, ...] = ()
    logits_sha256: str | None = None
    logits: tuple[float, ...] = ()
    agree: bool = True


@dataclass(frozen=True)
class Conditions:
    """The machine while it measured.

    Attributes:
        sm_clock_mhz, max_sm_clock_mhz: under load, and the most.
        power_w, power_limit_w: drawn under load, and the limit.
        performance_state: such as `P0`.
        throttle_reasons: why the driver held clocks down, in its words.
        other_processes: how many other processes used the GPU.
    """

    sm_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    performance_state: str | None = None
    throttle_reasons: tuple[str, ...] = ()
    other_processes: int | None = None


@dataclass(frozen=True)
class MeasuredModel:
    """Everything that was measured of one model in one sitting.

    Attributes:
        request: how it was run.
        fingerprint: what it was made of, and on what; `graphs` is that of the captures taken with graphs on.
        measured_utc: when, ISO 8601.
        repetitions: of each bench within a process.
        numbers: the benches.
        memory: None where nobody told.
        copy_bytes_per_s, step_weight_bytes: how fast the device copied, and the weights that a decode step reads: the
            floor under which no decode can be; None where unknown.
        captures: of decode with graphs on, and one with graphs off where the device has graphs.
        results: what it computed.
        conditions: of the machine.
        remarks: what was odd, a sentence each.
    """

    request: Request
    fingerprint: Fingerprint
    measured_utc: str
    repetitions: int
    numbers: tuple[Number, ...]
    memory: Memory | None
    copy_bytes_per_s: float | None
    step_weight_bytes: int | None
    captures: tuple[StepFacts, ...]
    results: Results
    conditions: Conditions
    remarks: tuple[str, ...] = ()

    def number(self, name: str) -> Number | None:
        """The bench of this name, if it was run."""
        return next((number for number in self.numbers if number.name == name), None)
