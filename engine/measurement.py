"""Runs a workload a few times, and notes how long it took and what came of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.formats.format import FloatArray
from engine.progress import StageProgress
from engine.runner import Runner
from engine.workload import Workload


@dataclass(frozen=True)
class Measurement:
    """What the repetitions of a workload took, and gave.

    Attributes:
        warmup_ns: what came before them.
        prefill_ns: from the prompt's first byte on its way to the device to the answer's first token on the host.
        decode_ns: all steps of a repetition, to the last token on the host.
        tokens: the first repetition's: one from the prefill, one of each step.
        logits: those behind its prompt, shape (vocabulary,).
    """

    warmup_ns: int
    prefill_ns: tuple[int, ...]
    decode_ns: tuple[int, ...]
    tokens: tuple[int, ...]
    logits: FloatArray


@dataclass(frozen=True)
class Answer:
    """What a model computes behind a prompt.

    Attributes:
        tokens: chosen one after the other.
        logits: those of the first, shape (vocabulary,).
    """

    tokens: tuple[int, ...]
    logits: FloatArray


def measure(
    runner: Runner, workload: Workload, prompt: Sequence[int], repetitions: int, progress: StageProgress
) -> Measurement:
    """Warms up, then runs the workload so many times; steps are numbered over all of them.

    Raises:
        EngineError: the workload does not fit in the cache; before anything runs.
    """
    runner.check(prompt, workload.decode_tokens)
    warmup_ns = warm_up(runner, (workload.prompt_tokens,), progress)
    prefill_ns, decode_ns = [], []
    tokens: list[int] = []
    for repetition in range(repetitions):
        progress("repetitions", repetition, repetitions)
        prefill_ns.append(time_prefill(runner, prompt, repetition))
        if repetition == 0:
            logits = runner.logits()
        decode_ns.append(time_decode(runner, workload.decode_tokens, repetition * workload.decode_tokens))
        if repetition == 0:
            tokens = runner.tokens(1 + workload.decode_tokens)
    progress("repetitions", repetitions, repetitions)
    return Measurement(warmup_ns, tuple(prefill_ns), tuple(decode_ns), tuple(tokens), logits)


def warm_up(runner: Runner, prompt_tokens: Sequence[int], progress: StageProgress) -> int:
    """Does once what takes longer the first time: compiles kernels, captures the graph. In nanoseconds."""
    progress("warming up", 0, 1)
    start_ns = time.perf_counter_ns()
    runner.warm_up(prompt_tokens)
    elapsed_ns = time.perf_counter_ns() - start_ns
    progress("warming up", 1, 1)
    return elapsed_ns


def answer_to(runner: Runner, prompt: Sequence[int], tokens: int) -> Answer:
    """An answer of so many tokens, untimed.

    Raises:
        EngineError: prompt and answer do not fit in the cache; before anything runs.
    """
    runner.check(prompt, tokens)
    runner.prefill(prompt)
    logits = runner.logits()
    for step in range(tokens - 1):
        runner.decode(step)
    return Answer(tuple(runner.tokens(tokens)), logits)


def time_prefill(runner: Runner, prompt: Sequence[int], number: int = 0) -> int:
    """Reads a prompt and waits for the first token of its answer; how long that took, in nanoseconds."""
    start_ns = time.perf_counter_ns()
    runner.token(0, runner.prefill(prompt, number))
    return time.perf_counter_ns() - start_ns


def time_decode(runner: Runner, steps: int, first_number: int = 0) -> int:
    """So many steps behind a prefill, in nanoseconds.

    As in a conversation, every token is fetched while the next step is under way.
    """
    start_ns = time.perf_counter_ns()
    mark = None
    for step in range(steps):
        following = runner.decode(first_number + step)
        if step:
            runner.token(step, mark)
        mark = following
    runner.token(steps, mark)
    return time.perf_counter_ns() - start_ns
