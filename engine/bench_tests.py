"""What a benchmark times: its tests, by the names under which the field knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Phase = Literal["prefill", "decode"]


@dataclass(frozen=True)
class BenchTest:
    """A prefill, or some steps of decode.

    Attributes:
        phase: which of the two.
        tokens: of the prompt that is read, or steps.
        depth: tokens in the cache before; 0 of a decode is behind a prompt of one token, for there must be one.
    """

    phase: Phase
    tokens: int
    depth: int = 0

    @property
    def name(self) -> str:
        """As in `pp512`, `tg128`, `tg256@4096`."""
        return f"{'pp' if self.phase == 'prefill' else 'tg'}{self.tokens}{f'@{self.depth}' * bool(self.depth)}"

    @property
    def prompt_tokens(self) -> int:
        """How long the prompt is that it reads, or stands behind."""
        return self.tokens if self.phase == "prefill" else max(self.depth, 1)

    @property
    def positions(self) -> int:
        """The positions that it needs in a cache."""
        return self.prompt_tokens + (self.tokens if self.phase == "decode" else 0)


@dataclass(frozen=True)
class Samples:
    """Times of one test; `graphs` is None for a prefill, which is never replayed."""

    test: BenchTest
    graphs: bool | None
    times_ns: tuple[int, ...]


def _prefills(*lengths: int) -> tuple[BenchTest, ...]:
    return tuple(BenchTest("prefill", tokens) for tokens in lengths)


DEFAULT_TESTS = (*_prefills(128, 512, 4096), BenchTest("decode", 128))
LONG_TESTS = (
    *_prefills(1024, 2048, 4096, 8192),
    *(BenchTest("decode", 256, depth) for depth in (1024, 4096, 8192)),
)
SUITES = {"default": DEFAULT_TESTS, "long": LONG_TESTS, "all": DEFAULT_TESTS + LONG_TESTS}


def choose_tests(suite: str, context: int) -> tuple[tuple[BenchTest, ...], tuple[BenchTest, ...]]:
    """The tests of a suite that a model is to be timed with, and those that are left out; prefills come first.

    The default tests are for every model: what a prompt says does not change how long it takes. Of the others those
    are left out that are longer than what the model was made for.

    Args:
        suite: a name in `SUITES`.
        context: the positions that the model was made for.
    """
    tests = sorted(set(SUITES[suite]), key=lambda test: (test.phase == "decode", test.depth, test.tokens))
    fits = {test: test in DEFAULT_TESTS or test.positions <= context for test in tests}
    return tuple(test for test in tests if fits[test]), tuple(test for test in tests if not fits[test])


def left_out_remark(tests: Sequence[BenchTest]) -> str:
    """What a user is told of tests that are left out."""
    return f"left out, for the model was not made for so many tokens: {', '.join(test.name for test in tests)}"
