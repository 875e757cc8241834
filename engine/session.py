"""Opens a model as asked: chooses a backend, loads the weights, makes room for a sequence."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, cast

from engine.annotation import Phase, Ranges
from engine.assemble import Assembly, assemble
from engine.config import ModelConfig
from engine.device import Device, gpu_count
from engine.errors import EngineError
from engine.formats import BF16, FP16, FP32, WeightFormat
from engine.model_choice import ModelChoice
from engine.operations import Operations, Sampling, Site
from engine.parameters import matrix_parameters
from engine.progress import StageProgress
from engine.runner import Limits, Runner, RunnerOptions
from engine.variants import Variant
from engine.wrapping import Around, wrapped

Backend = Literal["auto", "cuda", "numpy"]

DEFAULT_CHUNK = 2048
_CONTEXT_BLOCK = 256
_MEMORY_INFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class EngineOptions:
    """How a model is to be run.

    Attributes:
        backend: `auto` takes the GPU where there is one.
        graphs: replay decode steps from a captured graph.
        variants: what is done the slow way.
        chunk: so many tokens of a prompt are read at a time.
        sampling: how tokens are chosen.
        seed: of synthetic weights.
    """

    backend: Backend = "auto"
    graphs: bool = True
    variants: frozenset[Variant] = frozenset()
    chunk: int = DEFAULT_CHUNK
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 42

    @property
    def replays(self) -> bool:
        """Whether decode steps are replayed."""
        return self.graphs and Variant.NO_GRAPHS not in self.variants


@dataclass(frozen=True)
class Engine:
    """A model that is ready to run.

    Attributes:
        choice: which model.
        options: as they were asked for.
        backend: which it was.
        ops: the backend.
        device: the backend's, if it has one of its own.
        runner: the model with its cache and buffers.
        load_ns: what loading took.
    """

    choice: ModelChoice
    options: EngineOptions
    backend: Literal["cuda", "numpy"]
    ops: Operations
    device: Device | None
    runner: Runner
    load_ns: int


def open_engine(
    choice: ModelChoice,
    options: EngineOptions,
    context: int,
    ranges: Ranges,
    progress: StageProgress,
    around: Around | None = None,
) -> Engine:
    """Loads a model.

    Args:
        choice: which.
        options: how it is to be run.
        context: so many positions the cache must hold.
        ranges: told of phases and operations.
        progress: told of layers as they are loaded.
        around: put around every operation.

    Raises:
        EngineError: there is no such backend here, memory does not suffice, or the weights are damaged.
    """
    backend = choose_backend(options.backend)
    if backend == "numpy":
        _check_memory(choice)
    start_ns = time.perf_counter_ns()
    with ranges.phase(Phase.LOAD):
        plain = _operations(backend, options)
        device = cast(Device, plain) if backend == "cuda" else None
        if device:
            device.compile(choice.config, choice.formats.layers, partial(progress, "compiling kernels"))
        ops = wrapped(plain, around) if around else plain
        assembly = Assembly(ops, choice.config, choice.formats, choice.source, options.seed)
        with ranges.work(Site("weights", "load")):
            model = assemble(assembly, partial(progress, "loading layers"))
        runner = Runner(ops, model, _runner_options(backend, choice, options, context), ranges)
        ops.finish()
    load_ns = time.perf_counter_ns() - start_ns
    return Engine(choice, options, backend, plain, device, runner, load_ns)


def choose_backend(wanted: Backend) -> Literal["cuda", "numpy"]:
    """The backend that is meant.

    Raises:
        EngineError: CUDA is asked for, and there is no GPU.
    """
    if wanted == "numpy":
        return "numpy"
    if gpu_count():
        return "cuda"
    if wanted == "cuda":
        raise EngineError("there is no NVIDIA GPU that this process can use; choose --backend numpy")
    return "numpy"


def rounded_context(tokens: int) -> int:
    """Room for so many tokens, in whole blocks."""
    return -(-tokens // _CONTEXT_BLOCK) * _CONTEXT_BLOCK


def remarks(choice: ModelChoice, options: EngineOptions, context: int, *, timed: bool = True) -> Iterator[str]:
    """What a user should know before a model is loaded, a sentence each; `timed` where times are what is wanted."""
    if choice.source is None:
        yield f"{choice.name} has synthetic weights, seed {options.seed}; give --weights PATH to run real ones"
    if context > choice.config.context:
        made_for = choice.config.context
        consequence = (
            "times are right, answers need not be" if timed else f"answers may be wrong from position {made_for} on"
        )
        yield (
            f"a context of {context} tokens is longer than the {made_for} that {choice.name} was made for: "
            f"{consequence}"
        )
    if options.variants and choose_backend(options.backend) == "numpy":
        yield "variants change nothing on the NumPy backend"


def cache_format(backend: str, layers: WeightFormat) -> WeightFormat:
    """In which format keys and values are kept, by that of the layers' weights."""
    if layers is BF16:
        return BF16
    return FP32 if layers is FP32 and backend == "numpy" else FP16


def _operations(backend: str, options: EngineOptions) -> Operations:
    if backend == "numpy":
        from engine.backends.numpy_backend import NumpyOperations

        return NumpyOperations()
    try:
        from engine.backends.cuda.operations import CudaOperations

        return CudaOperations(options.variants)
    except ImportError as error:
        raise EngineError(
            f"{error.name} is not installed, which the GPU needs; install inference-workbench[cuda], or choose "
            "--backend numpy"
        ) from error


def _runner_options(backend: str, choice: ModelChoice, options: EngineOptions, context: int) -> RunnerOptions:
    limits = Limits(context, min(options.chunk, context))
    replays = backend == "cuda" and options.replays
    return RunnerOptions(limits, cache_format(backend, choice.formats.layers), options.sampling, replays)


def _check_memory(choice: ModelChoice) -> None:
    """Refuses what the reference cannot hold, before hours of loading: it keeps weights in single precision."""
    needed, free = _single_precision_bytes(choice.config), _free_bytes()
    if free is not None and needed > free:
        raise EngineError(
            f"{choice.name} needs {needed / 2**30:.1f} GiB on the NumPy backend, and {free / 2**30:.1f} GiB are free; "
            "run it on a GPU, or choose a smaller model"
        )


def _single_precision_bytes(config: ModelConfig) -> int:
    return matrix_parameters(config) * FP32.size_bytes(1, 1)


def _free_bytes() -> int | None:
    """Memory that programs could still take; None where the system does not say."""
    try:
        lines = _MEMORY_INFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return int(kilobytes) * 1024 if kilobytes else None
