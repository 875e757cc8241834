"""Runs a model: reads prompts in chunks, then decodes token by token."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.activations import Activations, make_activations
from engine.annotation import Phase, Ranges, annotated
from engine.cache import Cache, make_cache
from engine.errors import EngineError
from engine.formats import WeightFormat
from engine.formats.format import FloatArray
from engine.model import Model
from engine.operations import DecodeState, Mark, Operations, Sampling, Site


@dataclass(frozen=True)
class Limits:
    """What the workspaces are sized for.

    Attributes:
        context: prompt and answer together, in tokens.
        chunk: so many tokens of a prompt are read at a time.
    """

    context: int
    chunk: int

    def check(self, prompt_tokens: int, answer_tokens: int) -> None:
        """Refuses what cannot be run, whatever the tokens.

        Raises:
            EngineError: the prompt is empty, or too long together with its answer.
        """
        if not prompt_tokens:
            raise EngineError("the prompt holds no token; give one")
        needed = prompt_tokens + answer_tokens
        if needed > self.context:
            raise EngineError(
                f"{prompt_tokens} tokens of prompt and {answer_tokens} of answer do not fit in a cache for "
                f"{self.context}; shorten them, or give --context {needed}"
            )


@dataclass(frozen=True)
class RunnerOptions:
    """How a model is run."""

    limits: Limits
    cache_format: WeightFormat
    sampling: Sampling
    graphs: bool


class Runner:
    """A model, its cache and its working buffers, for one sequence at a time."""

    def __init__(self, ops: Operations, model: Model, options: RunnerOptions, ranges: Ranges) -> None:
        limits, layers = options.limits, model.blocks[0].attention.qkv.format
        self.model = model
        self.options = options
        self._ops = annotated(ops, ranges)
        self._ranges = ranges
        ops.reserve([matrix for block in model.blocks for matrix in block.matrices], limits.chunk)
        self._work: Activations = make_activations(ops, model.config, limits.chunk, layers, model.head.format)
        shapes = [block.attention.shape for block in model.blocks]
        self._cache: Cache = make_cache(ops, shapes, limits.context, options.cache_format)
        self._state = DecodeState(
            token=ops.integers("token", 1),
            position=ops.integers("position", 1),
            step=ops.integers("step", 1),
            tokens=ops.outbox("tokens", limits.context),
        )
        self._replay: Callable[[], None] | None = None
        self._replays = options.graphs
        self._prompt_tokens = 0

    def check(self, prompt: Sequence[int], answer_tokens: int) -> None:
        """Refuses what cannot be run, before anything runs.

        Raises:
            EngineError: the prompt is empty, or holds what is no token, or is too long together with its answer.
        """
        vocabulary = self.model.config.vocabulary
        self.options.limits.check(len(prompt), answer_tokens)
        if not all(0 <= token < vocabulary for token in prompt):
            raise EngineError(f"the prompt holds what is no token of this model; its tokens are 0 to {vocabulary - 1}")

    def warm_up(self, prompt_tokens: Sequence[int]) -> None:
        """Does everything once that takes longer the first time, for prompts of such lengths; captures the graph."""
        with self._ranges.phase(Phase.WARMUP):
            for tokens in sorted({1, *prompt_tokens}):
                self._start_over()
                self._choose(self._read([0] * tokens))
            self._start_over()
            self._step()
            self._ops.finish()
            if self.options.graphs:
                self._start_over()
                self._replay = self._ops.record(self._step)
                self._replay()
                self._ops.finish()

    def prefill(self, prompt: Sequence[int], number: int = 0) -> Mark:
        """Reads a prompt into an empty cache, and chooses the first token of its answer; a mark behind both."""
        self._start_over()
        self._prompt_tokens = len(prompt)
        with self._ranges.phase(Phase.PREFILL, number):
            last = self._read(prompt)
            self._choose(last)
            return self._ops.mark()

    def decode(self, number: int) -> Mark:
        """One step: reads the newest token and chooses the next; a mark behind it."""
        with self._ranges.phase(Phase.DECODE, number), self._ops.step_workspace():
            (self._replay if self._replay and self._replays else self._step)()
            return self._ops.mark()

    def rewind(self) -> None:
        """Goes back to where the newest prefill ended, so that its answer can be decoded again; waits until it is so.

        The cache keeps the prompt. What was decoded behind it stays, too, but no step reads beyond its own position,
        and each overwrites its own place.
        """
        first = self.tokens(1)
        self._write_position(self._prompt_tokens)
        self._ops.write(self._state.token, np.array(first, np.int32))
        self._ops.write(self._state.step, np.ones(1, np.int32))
        self._ops.finish()

    def replay(self, wanted: bool) -> None:
        """Whether decode steps replay the graph that the warm-up captured, or launch anew all that it holds."""
        self._replays = wanted

    def token(self, index: int, mark: Mark) -> int:
        """Waits for a mark, and says which token was chosen as the `index`-th."""
        return self._ops.peek(self._state.tokens, index, mark)

    def tokens(self, count: int) -> list[int]:
        """The tokens chosen since the prompt, once all is done."""
        self._ops.finish()
        values: NDArray[np.int32] = self._ops.read(self._state.tokens)
        return [int(token) for token in values[:count]]

    def logits(self) -> FloatArray:
        """The newest logits, shape (vocabulary,), once all is done."""
        self._ops.finish()
        values: FloatArray = self._ops.read(self._work.logits)[0]
        return values

    def finish(self) -> None:
        """Waits until all that was asked for is done."""
        self._ops.finish()

    def _read(self, prompt: Sequence[int]) -> int:
        """Reads a prompt chunk by chunk; how many tokens the last chunk has."""
        chunk = self.options.limits.chunk
        for start in range(0, len(prompt), chunk):
            ids = np.asarray(prompt[start : start + chunk], np.int32)
            self._ops.write(self._work.ids, ids)
            self._write_position(start)
            self.model.read(self._ops, self._work, self._cache, self._work.ids, self._state.position, len(ids))
        return len(ids)

    def _choose(self, tokens: int) -> None:
        """Chooses the token behind the last of so many that were just read."""
        self.model.predict(self._ops, self._work, tokens)
        self._ops.sample(Site("sampling", "sample"), tokens, self._work.logits, self.options.sampling, self._state)

    def _step(self) -> None:
        self.model.read(self._ops, self._work, self._cache, self._state.token, self._state.position, 1)
        self._choose(1)

    def _start_over(self) -> None:
        self._write_position(0)
        self._ops.write(self._state.step, np.zeros(1, np.int32))

    def _write_position(self, position: int) -> None:
        self._ops.write(self._state.position, np.array([position], np.int32))


def generate(runner: Runner, prompt: Sequence[int], most: int, stops: frozenset[int]) -> Iterator[int]:
    """Tokens of an answer as they come, up to and with the first stop token.

    The next step is under way while a token is handed out, so that the device never waits for whoever reads it.

    Raises:
        EngineError: the prompt and its answer do not fit.
    """
    runner.check(prompt, most)
    mark = runner.prefill(prompt)
    for index in range(most):
        following = runner.decode(index) if index + 1 < most else None
        token = runner.token(index, mark)
        yield token
        if token in stops:
            break
        mark = following
    runner.finish()
