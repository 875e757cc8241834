"""Times prefill of some lengths and decode behind prompts of some lengths, as the field's benchmarks do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.annotation import profiler_ranges
from engine.bench_document import BenchRun, model_entry
from engine.bench_tests import BenchTest, Samples
from engine.device import Conditions
from engine.measurement import Answer, answer_to, time_decode, time_prefill, warm_up
from engine.model_choice import ModelChoice
from engine.progress import StageProgress
from engine.runner import Runner
from engine.session import Engine, EngineOptions, choose_backend, open_engine, rounded_context
from engine.workload import random_prompt

# What a model computes is told by the answer to a prompt of its own, which is the same whatever is timed.
_ASKED_TOKENS = 64
_ANSWERED_TOKENS = 96


@dataclass(frozen=True)
class BenchPlan:
    """What is timed.

    Attributes:
        tests: those of prefill before those of decode.
        left_out: what was asked for, too, but does not fit the model.
        repetitions: of each test, behind one that is left out.
        graphs: decode with graphs, without, or both.
    """

    tests: tuple[BenchTest, ...]
    left_out: tuple[BenchTest, ...]
    repetitions: int
    graphs: tuple[bool, ...]

    @property
    def context(self) -> int:
        """The positions that it needs in a cache."""
        return rounded_context(max(_ASKED_TOKENS + _ANSWERED_TOKENS, *(test.positions for test in self.tests)))


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
    runner, prompt_of = engine.runner, partial(_prompt, choice, options)
    prefills, decodes = ([test for test in plan.tests if test.phase == phase] for phase in ("prefill", "decode"))
    warm_up(runner, [test.tokens for test in prefills], progress)
    answer = _answer(runner, prompt_of(_ASKED_TOKENS))
    samples = []
    for test in prefills:
        read = partial(time_prefill, runner, prompt_of(test.tokens))
        samples.append(Samples(test, None, tuple(_repeat(read, plan.repetitions, test.name, progress))))
    for test in decodes:
        samples += _decode(runner, test, prompt_of(test.prompt_tokens), plan.repetitions, graphs, progress)
    # Before anything else is asked, for clocks at rest say little.
    conditions = _conditions(engine, decodes[-1], graphs[0]) if decodes else Conditions()
    memory = engine.ops.memory()
    device = None
    if engine.device:
        device = replace(engine.device.describe(), copy_bytes_per_s=engine.device.measure_copy())
    return model_entry(BenchRun(engine, tuple(samples), plan.left_out, answer, memory, device, conditions))


def _answer(runner: Runner, prompt: Sequence[int]) -> Answer:
    """Tokens behind a prompt of one token, and the logits behind a longer one.

    Products of several rows are a library's on a GPU, which chooses among algorithms by timing them and may round
    otherwise on another day. Those of one row are our own: their greedy tokens are the same whenever the code is.
    """
    logits = answer_to(runner, prompt, 1).logits
    return Answer(answer_to(runner, prompt[:1], _ANSWERED_TOKENS).tokens, logits)


def _prompt(choice: ModelChoice, options: EngineOptions, tokens: int) -> list[int]:
    return random_prompt(tokens, choice.config.vocabulary, options.seed)


def _decode(
    runner: Runner,
    test: BenchTest,
    prompt: list[int],
    repetitions: int,
    graphs: tuple[bool, ...],
    progress: StageProgress,
) -> list[Samples]:
    """Decode with and without graphs by turns, so that whatever drifts takes both along.

    The prompt is read once: every repetition goes back to its end, and does the same work again.
    """
    times: dict[bool, list[int]] = {wanted: [] for wanted in graphs}
    time_prefill(runner, prompt)

    def by_turns() -> int:
        for wanted in graphs:
            times[wanted].append(_decode_again(runner, test.tokens, wanted))
        return 0

    _repeat(by_turns, repetitions, test.name, progress)
    return [Samples(test, wanted, tuple(times[wanted][1:])) for wanted in graphs]


def _decode_again(runner: Runner, steps: int, graphs: bool) -> int:
    """Goes back to the end of the newest prompt and decodes; how long that took, in nanoseconds."""
    runner.replay(graphs)
    runner.rewind()
    return time_decode(runner, steps)


def _conditions(engine: Engine, test: BenchTest, graphs: bool) -> Conditions:
    """The device's state while the test that was timed last is done again, untimed."""
    if engine.device is None:
        return Conditions()
    return engine.device.conditions(lambda: _decode_again(engine.runner, test.tokens, graphs))


def _repeat(test: Callable[[], int], repetitions: int, name: str, progress: StageProgress) -> list[int]:
    test()
    results = []
    for repetition in range(repetitions):
        progress(name, repetition, repetitions)
        results.append(test())
    progress(name, repetitions, repetitions)
    return results
