"""What a capture was made of: from its manifest, and where there is none, read off the trace."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.footprint import SCHEMA as ENGINE_SCHEMA
from workbench.analysis.graph_use import uses_graphs
from workbench.attribution.attribution import Attribution
from workbench.manifest import Gpu, Manifest
from workbench.trace.model import NONE, Trace

ENGINE = "engine"
ON, OFF = "on", "off"
NO_VARIANT = "none"

_SIZES = ("hidden_size", "intermediate_size", "heads", "kv_heads", "head_dim", "vocabulary", "parameters")
# The fields that hold the workload's numbers.
WORKLOAD_FIELDS = ("prompt_tokens", "decode_tokens", "batch", "chunk", "context", "cache_format", "temperature", "seed")
# How programs spell the formats of weights, where they tell them in a phrase ("random, bf16").
_FORMAT = re.compile(
    r"(?<![\w.])(?:bf16|bfloat16|fp16|f16|float16|fp32|f32|float32|i?q\d\w*|u?int[48]|nvfp4|mxfp4|fp8\w*|awq|gptq)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Fingerprint:
    """What a capture was made of; a value that cannot be known is None.

    Attributes:
        recorder: `nsys`, or what else recorded.
        program: `engine`, or the command line, masked.
        model: its name.
        layers: how many the model has ("28 layers"), as told or as ranges number them.
        shape: the model's sizes.
        weights: their format.
        weights_source: what else the program says of them.
        prompt_tokens, decode_tokens, batch, chunk, context, cache_format, temperature, seed: the workload.
        graphs: `on` or `off`, as the steps ran; as the program says only where there are no steps.
        graphs_told: the same, as the program says.
        graph_trace: whether graphs were recorded as `nodes` or as `whole graphs`; None where none ran.
        variant: the optimisations that the engine went without, or `none`.
        gpu: the GPUs that worked.
        multiprocessors: how many those have.
        driver, cuda: versions.
        max_clocks, power_limit: the limits that the driver tells of the machine's GPUs.
        clocks: those at the end of the run, by the engine.
        nsys: the version that recorded.
        exporter: the version that wrote the export.
        tracing: the flags of nsys.
        commit: of the engine, or of the repository in which another program was started.
        worktree: `clean`, or `with changes`.
        host, python, libraries: what else there was.
        program_name, workload: what another program than the engine calls itself and its work.
    """

    recorder: str | None = None
    program: str | None = None
    model: str | None = None
    layers: str | None = None
    shape: str | None = None
    weights: str | None = None
    weights_source: str | None = None
    prompt_tokens: str | None = None
    decode_tokens: str | None = None
    batch: str | None = None
    chunk: str | None = None
    context: str | None = None
    cache_format: str | None = None
    temperature: str | None = None
    seed: str | None = None
    graphs: str | None = None
    graphs_told: str | None = None
    graph_trace: str | None = None
    variant: str | None = None
    gpu: str | None = None
    multiprocessors: str | None = None
    driver: str | None = None
    cuda: str | None = None
    max_clocks: str | None = None
    power_limit: str | None = None
    clocks: str | None = None
    nsys: str | None = None
    exporter: str | None = None
    tracing: str | None = None
    commit: str | None = None
    worktree: str | None = None
    host: str | None = None
    python: str | None = None
    libraries: str | None = None
    program_name: str | None = None
    workload: str | None = None


_Facts = dict[str, str | None]


def fingerprint(manifest: Manifest | None, analysis: Analysis) -> Fingerprint:
    """What a capture was made of.

    What ran is believed before what was said: graphs and GPUs are the trace's where it knows them.

    Args:
        manifest: how it was made, if that is known. Its `workload` may hold anything.
        analysis: of the capture.
    """
    told = told_by(manifest) if manifest else {}
    seen = {name: value for name, value in _seen_in(analysis, manifest).items() if value is not None}
    layers = told.get("layers") or seen.get("layers")
    return Fingerprint(**{**told, **seen, "layers": layers, "graphs_told": told.get("graphs")})


def merged(fingerprints: Sequence[Fingerprint]) -> Fingerprint:
    """One fingerprint for captures of the same thing: of each value the first that is known."""
    found: _Facts = {}
    for one in fingerprints:
        found |= {name: value for name, value in asdict(one).items() if found.get(name) is None}
    return Fingerprint(**found)


def workload_text(one: Fingerprint) -> str | None:
    """The workload on one line; None where nothing of it is known."""
    numbers = [f"{name} {value}" for name in WORKLOAD_FIELDS if (value := getattr(one, name)) is not None]
    return ", ".join(numbers) or one.workload


def told_by(manifest: Manifest) -> dict[str, str | None]:
    """The fields that a manifest tells; its `workload` may hold anything."""
    said = manifest.workload or {}
    is_engine = said.get("schema") == ENGINE_SCHEMA
    command = shlex.join(manifest.program.command) or None
    return {
        "program": ENGINE if is_engine else _text(command),
        "program_name": None if is_engine else _text(said.get("program")),
        "workload": None if is_engine else _text(said.get("workload")),
        **_model_facts(said),
        **_workload_facts(said),
        **_machine_facts(manifest, said),
        **_commit_facts(manifest, said, is_engine=is_engine),
    }


def _model_facts(said: Mapping[str, Any]) -> _Facts:
    model, weights = _section(said, "model"), _section(said, "weights")
    sizes = {name: _text(model.get(name)) for name in ("architecture", *_SIZES)}
    layers = _text(model.get("layers"))
    return {
        "model": _text(model.get("name")) or _text(said.get("model")),
        "layers": layers and f"{layers} layers",
        "shape": None if None in sizes.values() else ", ".join(f"{name} {value}" for name, value in sizes.items()),
        **(_weight_facts(weights) if weights else _described_weights(_text(said.get("weights")))),
    }


def _weight_facts(weights: Mapping[str, Any]) -> _Facts:
    layers, *others = (_text(weights.get(name)) for name in ("format", "embedding_format", "head_format"))
    apart = [
        f"{part} {value}"
        for part, value in zip(("embedding", "head"), others, strict=True)
        if value is not None and value != layers
    ]
    return {
        "weights": layers and " ".join([layers, *([f"({', '.join(apart)})"] if apart else [])]),
        "weights_source": _text(weights.get("source")),
    }


def _described_weights(phrase: str | None) -> _Facts:
    """A phrase's format, and the rest of it."""
    formats = _FORMAT.findall(phrase or "")
    rest = " ".join(_FORMAT.sub(" ", phrase or "").split()).strip(" ,;()-")
    return {"weights": " ".join(formats).lower() or None, "weights_source": rest or None}


def _workload_facts(said: Mapping[str, Any]) -> _Facts:
    numbers = {**said, **_section(said, "workload")}
    graphs = numbers.get("graphs")
    return {
        **{name: _text(numbers.get(name)) for name in WORKLOAD_FIELDS},
        "graphs": (ON if graphs else OFF) if isinstance(graphs, bool) else None,
        "variant": _variants(numbers.get("variants", numbers.get("variant"))),
    }


def _variants(said: Any) -> str | None:
    names = said if isinstance(said, list) else [said]
    texts = [_text(name) for name in names]
    known = [text for text in texts if text is not None]
    return None if len(known) < len(texts) else ", ".join(sorted(known)) or NO_VARIANT


def _machine_facts(manifest: Manifest, said: Mapping[str, Any]) -> _Facts:
    versions, clocks = _section(said, "versions"), _section(said, "clocks")
    device, nsys, host = manifest.device, manifest.nsys, manifest.host
    gpus = device.gpus if device else ()
    others = {name: _text(versions[name]) for name in sorted(versions) if name not in ("driver", "cuda", "python")}
    libraries = [f"{name} {text}" for name, text in others.items() if text is not None]
    return {
        "driver": (_text(device.driver) if device else None) or _text(versions.get("driver")),
        "cuda": (_text(device.cuda) if device else None) or _text(versions.get("cuda")),
        "max_clocks": _of_all(gpus, lambda gpu: _clocks(gpu.max_sm_clock_mhz, gpu.max_memory_clock_mhz))
        or _clocks(clocks.get("sm_max_mhz"), clocks.get("memory_max_mhz")),
        "power_limit": _of_all(gpus, lambda gpu: _watts(gpu.power_limit_w)) or _watts(clocks.get("power_limit_w")),
        "clocks": _clocks(clocks.get("sm_mhz"), clocks.get("memory_mhz")),
        "nsys": _text(nsys.version) if nsys else None,
        "tracing": _text(" ".join(nsys.flags)) if nsys else None,
        "host": _text(host.platform) if host else None,
        "python": _text(versions.get("python")) or (_text(host.python) if host else None),
        "libraries": ", ".join(libraries) or None,
    }


def _commit_facts(manifest: Manifest, said: Mapping[str, Any], *, is_engine: bool) -> _Facts:
    """The engine tells its own commit, whatever repository it was started in."""
    if is_engine:
        own = _section(said, "commit")
        sha, dirty = _text(own.get("sha")), own.get("dirty")
    else:
        sha, dirty = (manifest.commit.sha, manifest.commit.dirty) if manifest.commit else (None, None)
    return {"commit": sha, "worktree": ("with changes" if dirty else "clean") if isinstance(dirty, bool) else None}


def _seen_in(analysis: Analysis, manifest: Manifest | None) -> _Facts:
    trace, attribution = analysis.trace, analysis.attribution
    # A layer that a sequence of kernels was found to be may be a piece of one: it counts for nothing here.
    layers = {leaf.layer for leaf in attribution.leaves if leaf.by == "range" and leaf.layer != NONE}
    return {
        "recorder": trace.info.recorder or "nsys",
        "layers": f"{len(layers)} layers" if layers else None,
        "graphs": {None: None, True: ON, False: OFF}[uses_graphs(attribution)],
        "graph_trace": _graph_trace(attribution),
        **_gpus(trace, manifest.device.gpus if manifest and manifest.device else ()),
        "exporter": None if trace.info.recorder else _text(trace.info.nsys_version),
    }


def _graph_trace(attribution: Attribution) -> str | None:
    if len(attribution.trace.graphs):
        return "whole graphs"
    return "nodes" if attribution.sites.is_graph_node.any() else None


def _gpus(trace: Trace, listed: Sequence[Gpu]) -> _Facts:
    """The GPUs that worked; the manifest lists those of the machine, which tells their name where it is only one."""
    devices = [trace.device(number) for number in np.unique(trace.operations.device).tolist()]
    name = _of_all(listed, lambda gpu: _text(gpu.name))
    names = [_text(device.name) if device else name for device in devices]
    counts = Counter(text for text in names if text is not None)
    sizes = {device.sm_count for device in devices if device}
    is_known = bool(names) and None not in names
    return {
        "gpu": " and ".join(f"{count} x {text}" if count > 1 else text for text, count in sorted(counts.items()))
        if is_known
        else None,
        "multiprocessors": ", ".join(map(str, sorted(sizes))) if None not in devices and all(sizes) else None,
    }


def _of_all(gpus: Iterable[Gpu], told: Callable[[Gpu], str | None]) -> str | None:
    """What is told of all GPUs alike."""
    texts = {told(gpu) for gpu in gpus}
    return texts.pop() if len(texts) == 1 else None


def _clocks(sm_mhz: Any, memory_mhz: Any) -> str | None:
    sm, memory = _number(sm_mhz), _number(memory_mhz)
    return f"SM {sm} MHz, memory {memory} MHz" if sm and memory else None


def _watts(power: Any) -> str | None:
    number = _number(power)
    return number and f"{number} W"


def _section(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in what a program says; empty where it says none."""
    section = said.get(name)
    return section if isinstance(section, dict) else {}


def _text(value: Any) -> str | None:
    """A text on one line, or a number as one; None for whatever else a program may say."""
    return " ".join(value.split()) or None if isinstance(value, str) else _number(value)


def _number(value: Any) -> str | None:
    # bool is a subclass of int, and no number here.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
