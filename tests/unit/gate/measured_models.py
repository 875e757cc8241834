"""Models as they might have been measured, for tests of gates."""

from dataclasses import replace
from typing import Any

import numpy as np

from workbench.compare.fingerprint import Fingerprint
from workbench.gate.measured import Conditions, MeasuredModel, Memory, Number, Part, Request, Results, StepFacts

# Of a 4B model in Q8_0 on an H200, in round numbers.
TIMES_NS = {"prefill.128": 3_000_000, "prefill.512": 9_000_000, "prefill.4096": 60_000_000, "decode.128": 180_000_000}
FINGERPRINT = Fingerprint(
    recorder="nsys", program="engine", model="qwen3-4b", weights="q8_0", graphs="on", variant="none",
    gpu="NVIDIA H200", driver="580.1", max_clocks="SM 1980 MHz, memory 3201 MHz", power_limit="700 W", commit="a" * 40,
)  # fmt: skip
MEMORY = Memory(4_400_000_000, 600_000_000, 200_000_000, 5_300_000_000)
RESULTS = Results("5" * 64, (1, 2, 3, 4), "6" * 64, (0.5, -1.5, 3.0))
CONDITIONS = Conditions(1980, 1980, 420.0, 700.0, "P0", (), 0)
FACTS = StepFacts(
    graphs=True,
    steps=48,
    wall_ns=1_400_000.0,
    parts=(Part("attention", False, 600_000.0), Part("mlp", False, 700_000.0), Part("graph", True, 100_000.0)),
    kernels=300.0,
    launches=1.0,
    breaking_calls=(("cudaMemcpyAsync (pageable)", 0.5),),
    profiled_ns=1_500_000.0,
    unprofiled_ns=1_410_000.0,
)


def number(name: str, *medians_ns: float, **others: Any) -> Number:
    """A bench by its name, with three times around each process's median."""
    phase, rest = name.split(".", 1)
    tokens, _, depth = rest.removesuffix(".graphs_off").partition("@")
    samples = tuple((round(at * 0.999), round(at), round(at * 1.002)) for at in medians_ns)
    graphs = None if phase == "prefill" else not name.endswith(".graphs_off")
    return replace(Number(name, phase, int(tokens), int(depth or 0), graphs, samples), **others)


def noisy(name: str, mean_ns: float, noise: float, processes: int = 5, seed: int = 1) -> Number:
    """A bench whose processes spread by a share."""
    spread = np.random.default_rng([seed, *name.encode()]).standard_normal(processes)
    return number(name, *(mean_ns * np.exp(noise * spread)).tolist())


def measured(noise: float = 0.002, seed: int = 1, factor: float = 1.0, **others: Any) -> MeasuredModel:
    """A model of which all is known."""
    model = MeasuredModel(
        request=Request("qwen3-4b", weight_format="q8_0"),
        fingerprint=FINGERPRINT,
        measured_utc="2026-11-21T10:00:00Z",
        repetitions=3,
        numbers=tuple(noisy(name, factor * at_ns, noise, seed=seed) for name, at_ns in TIMES_NS.items()),
        memory=MEMORY,
        copy_bytes_per_s=4.15e12,
        step_weight_bytes=4_270_000_000,
        captures=(FACTS,),
        results=RESULTS,
        conditions=CONDITIONS,
        remarks=("A remark.",),
    )
    return replace(model, **others)
