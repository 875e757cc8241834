"""What a run says of itself, as one JSON object: model, weights, workload, times, footprints, results, versions.

Its schema is called `engine.run/1`. Whoever profiles the engine keeps it beside the capture.
"""

import hashlib
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from engine import __version__
from engine.commit import own_commit
from engine.device import DeviceDescription
from engine.footprint import RoleFootprint, footprints, prefill_footprints
from engine.formats.format import FloatArray
from engine.measurement import Measurement
from engine.parameters import parameters, weight_bytes
from engine.recorder.export import DEVICE_NAME
from engine.session import Engine
from engine.workload import Workload

SCHEMA = "engine.run/1"
_TOKENS_SHOWN = 32
_LARGEST_SHOWN = 8
_SAMPLE_SIZE = 64


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        engine: what ran.
        workload: what it read and wrote.
        measurement: what came of it.
        device: the backend's device, if it has one of its own.
        flags: the arguments it was started with.
    """

    engine: Engine
    workload: Workload
    measurement: Measurement
    device: DeviceDescription | None
    flags: Sequence[str]


def run_document(run: Run) -> dict[str, Any]:
    """The document of a run."""
    engine, measurement = run.engine, run.measurement
    return {
        "schema": SCHEMA,
        "model": model_facts(engine),
        "weights": weight_facts(engine),
        "backend": engine.backend,
        "workload": _workload(run),
        "timings": {
            "prefill_ns": list(measurement.prefill_ns),
            "decode_ns": list(measurement.decode_ns),
            "decode_steps": run.workload.decode_tokens,
            "load_ns": engine.load_ns,
            "warmup_ns": measurement.warmup_ns,
        },
        "roles": [*_roles(run)],
        "memory": asdict(engine.ops.memory()),
        "results": result_facts(measurement.tokens, measurement.logits),
        **surroundings(run.device, run.flags),
    }


def surroundings(device: DeviceDescription | None, flags: Sequence[str]) -> dict[str, Any]:
    """What a run depends on besides model and workload: device, versions, clocks, commit, flags."""
    commit = own_commit()
    return {
        "device": {
            "name": device.name if device else DEVICE_NAME,
            "copy_bytes_per_s": device.copy_bytes_per_s if device else None,
            "operations_per_s": device.operations_per_s if device else None,
        },
        "versions": _versions(device),
        "clocks": asdict(device.clocks) if device and device.clocks else None,
        "commit": asdict(commit) if commit else None,
        "flags": without_folders(flags),
        "products": list(device.products) if device else [],
    }


def model_facts(engine: Engine) -> dict[str, Any]:
    """A model's shape."""
    config = engine.choice.config
    return {
        "name": engine.choice.name,
        "architecture": str(config.architecture),
        "layers": config.layers,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocabulary": config.vocabulary,
        "parameters": parameters(config),
    }


def weight_facts(engine: Engine) -> dict[str, Any]:
    """Where a model's weights come from, and how they are kept."""
    source, formats = engine.choice.source, engine.choice.formats
    return {
        "source": source.description if source else f"synthetic, seed {engine.options.seed}",
        "synthetic": source is None,
        "format": formats.layers.name,
        "embedding_format": formats.embedding.name,
        "head_format": formats.head.name,
        "bytes": weight_bytes(engine.runner.model),
    }


def result_facts(tokens: Sequence[int], logits: FloatArray) -> dict[str, Any]:
    """What came of a run: hashes of all tokens and logits, and some of both; `logits` has shape (vocabulary,)."""
    return {
        "tokens_sha256": hashlib.sha256(np.array(tokens, "<i4").tobytes()).hexdigest(),
        "tokens": list(tokens[:_TOKENS_SHOWN]),
        "logits": _logits(logits),
    }


def without_folders(arguments: Iterable[str]) -> list[str]:
    """Arguments of which those that are paths are left with their last part."""
    return [_without_folder(argument) for argument in arguments]


def _without_folder(argument: str) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    if not equals and option:
        return argument
    return f"{option}{equals}{PurePath(value).name if '/' in value else value}"


def _workload(run: Run) -> dict[str, Any]:
    options, workload = run.engine.runner.options, run.workload
    return {
        "name": workload.name,
        "prompt_tokens": workload.prompt_tokens,
        "decode_tokens": workload.decode_tokens,
        "batch": 1,
        "temperature": options.sampling.temperature,
        "seed": options.sampling.seed,
        "repetitions": len(run.measurement.prefill_ns),
        "chunk": options.limits.chunk,
        "context": options.limits.context,
        "cache_format": options.cache_format.name,
        "graphs": options.graphs,
        "variants": sorted(run.engine.options.variants),
    }


def _roles(run: Run) -> Iterable[dict[str, Any]]:
    runner, workload = run.engine.runner, run.workload
    cached = runner.options.cache_format
    chunk = runner.options.limits.chunk
    # A step sees one position more than the one before it.
    mean_context = workload.prompt_tokens + (workload.decode_tokens + 1) // 2
    phases: dict[str, tuple[RoleFootprint, ...]] = {
        "prefill": prefill_footprints(runner.model, cached, workload.prompt_tokens, chunk),
        "decode": footprints(runner.model, cached, 1, mean_context),
    }
    for phase, roles in phases.items():
        for role in roles:
            yield {"phase": phase, **asdict(role)}


def _logits(logits: FloatArray) -> dict[str, Any]:
    order = np.lexsort((np.arange(len(logits)), -logits))[:_LARGEST_SHOWN]
    places = np.arange(_SAMPLE_SIZE) * len(logits) // _SAMPLE_SIZE
    return {
        "sha256": hashlib.sha256(logits.astype("<f4").tobytes()).hexdigest(),
        "largest": [[int(token), _number(logits[token])] for token in order],
        "sample": [_number(logits[place]) for place in places],
    }


def _number(value: np.float32) -> float | None:
    """The value, unless it is one that JSON has no number for."""
    return float(value) if np.isfinite(value) else None


def _versions(device: DeviceDescription | None) -> dict[str, str]:
    own = {"engine": __version__, "python": platform.python_version(), "numpy": np.__version__}
    if device is None:
        return own
    return own | {
        "driver": device.driver,
        "cuda": device.cuda,
        "nvrtc": device.nvrtc,
        "cublas": device.cublas,
        "cuda_core": device.cuda_core,
    }
