"""Whether a real model still answers sensibly: what a hash says of synthetic weights is not what a reader sees."""

from dataclasses import dataclass

from workbench.errors import UserError
from workbench.gate.verdict import GateResult, Line, Status

GATE = "probe"
PROMPT = "The capital of France is"
WORD = "Paris"
TOKENS = 64
_LAST = 32
_LEAST_DISTINCT = 8
# What stands for bytes that are no text.
_NO_TEXT = "\ufffd"


@dataclass(frozen=True)
class ProbeAnswer:
    """What a model answered, greedily.

    Attributes:
        vocabulary: how many tokens the model knows.
        tokens: of the answer.
        text: the same, as text.
    """

    vocabulary: int
    tokens: tuple[int, ...]
    text: str


def not_run() -> GateResult:
    """The gate where no model was given: never passed."""
    return GateResult(GATE, Status.NOT_RUN, "No model with real weights was given; --probe PATH names one.")


def check_word(word: str) -> None:
    """Refuses a word that any answer would hold.

    Raises:
        UserError: it is empty.
    """
    if not word.strip():
        raise UserError("the word that the probe's answer must hold is empty, and any answer holds that; give a word")


def judge(answer: ProbeAnswer, word: str = WORD) -> GateResult:
    """Fails an answer that repeats itself, holds what is no token or no text, or lacks the expected word.

    Of the last 32 tokens at least 8 must be distinct, and likewise of all, where the answer ended sooner.

    Args:
        answer: to the probe's prompt.
        word: that it must hold, in whatever case.

    Raises:
        UserError: no word is expected, which any answer would hold.
    """
    check_word(word)
    last = answer.tokens[-_LAST:]
    distinct = len(set(last))
    invalid = sum(not 0 <= token < answer.vocabulary for token in answer.tokens)
    # The limit of tokens may cut the last character.
    broken = answer.text[:-1].count(_NO_TEXT)
    lines = (
        _line("distinct_tokens", distinct >= _LEAST_DISTINCT, distinct, _of_tokens(len(last))),
        _line("invalid_tokens", not invalid, invalid, "Beyond the vocabulary." if invalid else ""),
        _line("broken_characters", not broken, broken, "Bytes that are no text." if broken else ""),
        _line("expected_word", _holds(answer.text, word), None, f"{word!r}, somewhere in the answer."),
    )
    failed = [line for line in lines if line.status is Status.FAILED]
    if failed:
        names = ", ".join(line.name.replace("_", " ") for line in failed)
        return GateResult(GATE, Status.FAILED, f"The answer is degenerate ({names}): {_shown(answer.text)}", lines)
    return GateResult(GATE, Status.PASSED, f"The answer makes sense: {_shown(answer.text)}", lines)


def _of_tokens(last: int) -> str:
    ended = f"the answer ended after {last}" if last < _LAST else f"of the last {last}"
    return f"{ended[0].upper()}{ended[1:]}; at least {_LEAST_DISTINCT} are wanted."


def _line(name: str, is_right: bool, value: int | None, sentence: str) -> Line:
    status = Status.PASSED if is_right else Status.FAILED
    return Line(name, status, None, None if value is None else float(value), "", sentence=sentence)


def _holds(text: str, word: str) -> bool:
    return word.casefold() in text.casefold()


def _shown(text: str, longest: int = 120) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= longest else f"{line[: longest - 1]}…")
