"""Times prefill of some lengths and decode behind an empty context, as the field's benchmarks do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.annotation import profiler_ranges
from engine.bench_document import model_entry
from engine.measurement import Samples, time_decode, time_prefill, warm_up
from engine.model_choice import ModelChoice
from engine.progress import StageProgress
from engine.runner import Runner
from engine.session import EngineOptions, choose_backend, open_engine, rounded_context
from engine.workload import random_prompt

PREFILL_TOKENS = (128, 512, 4096)
DECODE_TOKENS = 128


@dataclass(frozen=True)
class BenchPlan:
    """What is timed.

    Attributes:
        prefill_tokens: lengths of prompts.
        decode_tokens: steps of decode behind a prompt of one token.
        repetitions: of each test, behind one that is left out.
        graphs: decode with graphs, without, or both.
    """

    repetitions: int
    graphs: tuple[bool, ...]
    prefill_tokens: tuple[int, ...] = PREFILL_TOKENS
    decode_tokens: int = DECODE_TOKENS

    @property
    def context(self) -> int:
        """The positions that it needs in a cache."""
        return rounded_context(max(*self.prefill_tokens, 1 + self.decode_tokens))


def bench_model(
    choice: ModelChoice, options: EngineOptions, plan: BenchPlan, progress: StageProgress
) -> dict[str, Any]:
    """Times one model; its entry in the document.

    Raises:
        EngineError: it cannot be loaded or run.
    """
    on_gpu = choose_backend(options.backend) == "cuda"
    graphs = tuple(wanted for wanted in plan.graphs if on_gpu and options.replays) or (False,)
    engine = open_engine(choice, replace(options, graphs=True in graphs), plan.context, profiler_ranges(), progress)
    runner = engine.runner
    warm_up(runner, plan.prefill_tokens, progress)
    tests = []
    for tokens in plan.prefill_tokens:
        prompt = random_prompt(tokens, choice.config.vocabulary, options.seed)
        times = _repeat(partial(time_prefill, runner, prompt), plan.repetitions, f"pp{tokens}", progress)
        tests.append(Samples("prefill", tokens, None, tuple(times)))
    tests += _decode(runner, plan, graphs, progress)
    memory = engine.ops.memory()
    device = None
    if engine.device:
        device = replace(engine.device.describe(), copy_bytes_per_s=engine.device.measure_copy())
    return model_entry(engine, tests, memory, device)


def _decode(runner: Runner, plan: BenchPlan, graphs: tuple[bool, ...], progress: StageProgress) -> list[Samples]:
    """Decode with and without graphs by turns, so that whatever drifts takes both along."""
    times: dict[bool, list[int]] = {wanted: [] for wanted in graphs}

    def decode(wanted: bool) -> int:
        runner.replay(wanted)
        time_prefill(runner, [0])
        return time_decode(runner, plan.decode_tokens)

    def by_turns() -> int:
        for wanted in graphs:
            times[wanted].append(decode(wanted))
        return 0

    _repeat(by_turns, plan.repetitions, f"tg{plan.decode_tokens}", progress)
    return [Samples("decode", plan.decode_tokens, wanted, tuple(times[wanted][1:])) for wanted in graphs]


def _repeat(test: Callable[[], int], repetitions: int, name: str, progress: StageProgress) -> list[int]:
    test()
    results = []
    for repetition in range(repetitions):
        progress(name, repetition, repetitions)
        results.append(test())
    progress(name, repetitions, repetitions)
    return results
