"""Measured models made by hand: steps of a model that a host launches, with graphs and without, and what benches say.

A step takes `GPU_NS` in a graph, whatever the host does. Launched kernel by kernel it takes as long as the host, or a
tenth more than in a graph, as kernels then overlap less. A profiler makes the host a third slower.
"""

from collections.abc import Sequence
from typing import Any

from workbench.compare.fingerprint import Fingerprint
from workbench.gate.measured import Conditions, MeasuredModel, Number, Part, Request, Results, StepFacts

GPU_NS = 1_440_000
KERNELS = 183
_EAGER = 1.1
_PROFILED = 4 / 3
_MLP = 0.6


def in_graph(
    *, gpu_ns: float = GPU_NS, mlp_ns: float | None = None, waits_ns: float = 0, calls: Sequence[tuple[str, float]] = ()
) -> StepFacts:
    """A captured step in a graph, of which `mlp_ns` is the feed-forward part's; it waits so long for its launch."""
    mlp_ns = _MLP * gpu_ns if mlp_ns is None else mlp_ns
    parts = [
        Part("mlp", False, mlp_ns),
        Part("attention", False, (1 - _MLP) * gpu_ns),
        Part("in_graph", True, 2_000),
        Part("queued", True, 3_000),
        *([Part("launch_starved", True, waits_ns)] if waits_ns else []),
    ]
    return _facts(parts, graphs=True, launches=1, calls=calls)


def launched(host_ns: float, *, gpu_ns: float = GPU_NS, calls: Sequence[tuple[str, float]] = ()) -> StepFacts:
    """A captured step that a host needs `host_ns` to launch, kernel by kernel."""
    busy_ns = _EAGER * gpu_ns
    profiled_ns, unprofiled_ns = max(_PROFILED * host_ns, busy_ns), max(host_ns, busy_ns)
    parts = [
        Part("mlp", False, _MLP * busy_ns),
        Part("attention", False, (1 - _MLP) * busy_ns),
        Part("launch_starved", True, profiled_ns - busy_ns),
    ]
    return _facts(parts, graphs=False, launches=KERNELS, calls=calls, timed_ns=(profiled_ns, unprofiled_ns))


def decode(
    step_ns: float, *, graphs: bool | None = True, noise: float = 0.001, processes: int = 5, **changed: Any
) -> Number:
    """A bench of decode in some processes; they differ by up to `noise`, evenly spread."""
    spread = [noise * (2 * place / (processes - 1) - 1) if processes > 1 else 0.0 for place in range(processes)]
    tokens = changed.get("tokens", 128)
    samples_ns = tuple((round(tokens * step_ns * (1 + error)),) * 3 for error in spread)
    name = "decode.128.graphs_off" if graphs is False else "decode.128"
    fields = {"name": name, "phase": "decode", "tokens": 128, "depth": 0, "graphs": graphs, "samples_ns": samples_ns}
    return Number(**{**fields, **changed})


def benches(with_ns: float, without_ns: float, **options: Any) -> tuple[Number, Number]:
    """Decode with graphs and without."""
    return decode(with_ns, **options), decode(without_ns, graphs=False)


def measured(
    captures: Sequence[StepFacts] = (), numbers: Sequence[Number] = (), *, backend: str = "cuda", variants: Any = ()
) -> MeasuredModel:
    """A model of which captures and benches are known."""
    return MeasuredModel(
        request=Request("qwen3-4b", backend=backend, variants=tuple(variants)),
        fingerprint=Fingerprint(),
        measured_utc="2026-11-21T12:00:00Z",
        repetitions=3,
        numbers=tuple(numbers),
        memory=None,
        copy_bytes_per_s=None,
        step_weight_bytes=None,
        captures=tuple(captures),
        results=Results(None),
        conditions=Conditions(),
    )


def healthy(ratio: float = 1.9, *, gpu_ns: float = GPU_NS) -> MeasuredModel:
    """A model whose decode is so many times as fast in graphs as without: the host takes that much longer."""
    host_ns = ratio * gpu_ns
    captures = [*[in_graph(gpu_ns=gpu_ns)] * 3, launched(host_ns, gpu_ns=gpu_ns)]
    return measured(captures, benches(gpu_ns, max(host_ns, _EAGER * gpu_ns)))


def _facts(
    parts: Sequence[Part],
    *,
    graphs: bool,
    launches: float,
    calls: Sequence[tuple[str, float]],
    timed_ns: tuple[float | None, float | None] = (None, None),
) -> StepFacts:
    wall_ns = sum(part.time_ns for part in parts)
    return StepFacts(graphs, 48, wall_ns, tuple(parts), KERNELS, launches, tuple(calls), *timed_ns)
