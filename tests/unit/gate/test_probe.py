"""Whether an answer makes sense."""

import pytest

from workbench.errors import UserError
from workbench.gate.probe import ProbeAnswer, judge, not_run
from workbench.gate.verdict import Status

SENSE = ProbeAnswer(1000, tuple(range(64)), " Paris. It is the largest city of France")


def failed(answer: ProbeAnswer, word: str = "Paris") -> set[str]:
    gate = judge(answer, word)
    names = {line.name for line in gate.lines if line.status is Status.FAILED}
    assert (gate.status is Status.FAILED) == bool(names)
    return names


def test_an_answer_with_the_word_passes() -> None:
    gate = judge(SENSE)
    assert gate.status is Status.PASSED
    assert "Paris" in gate.sentence


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (ProbeAnswer(1000, (1,) * 64, "Paris Paris Paris"), {"distinct_tokens"}),
        (ProbeAnswer(1000, (*range(32), *[1, 2, 3, 4, 5, 6, 7] * 5), "Paris"), {"distinct_tokens"}),
        (ProbeAnswer(1000, (*range(63), 1000), "Paris"), {"invalid_tokens"}),
        (ProbeAnswer(1000, (*range(63), -1), "Paris"), {"invalid_tokens"}),
        (ProbeAnswer(1000, tuple(range(64)), "Par\ufffdis, Paris"), {"broken_characters"}),
        (ProbeAnswer(1000, tuple(range(64)), "Lyon"), {"expected_word"}),
        (ProbeAnswer(1000, (), ""), {"distinct_tokens", "expected_word"}),
    ],
)
def test_a_degenerate_answer_fails_and_says_why(answer: ProbeAnswer, names: set[str]) -> None:
    assert failed(answer) == names


def test_eight_distinct_tokens_of_the_last_32_suffice() -> None:
    assert not failed(ProbeAnswer(1000, (1,) * 32 + tuple(range(8)) * 4, "paris"))


def test_an_answer_may_end_early_and_in_the_middle_of_a_character() -> None:
    assert not failed(ProbeAnswer(1000, tuple(range(8)), "Paris.\ufffd"))
    assert failed(ProbeAnswer(1000, (*range(7), 1), "Paris.")) == {"distinct_tokens"}


def test_an_answer_of_one_token_fails_and_the_reason_is_told() -> None:
    answer = ProbeAnswer(1000, (5,), "Paris")
    assert failed(answer) == {"distinct_tokens"}
    assert judge(answer).lines[0].sentence == "The answer ended after 1; at least 8 are wanted."


@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_word_is_refused_for_any_answer_holds_it(word: str) -> None:
    with pytest.raises(UserError, match="give a word"):
        judge(SENSE, word)


def test_the_expected_word_is_the_users() -> None:
    assert not failed(ProbeAnswer(1000, tuple(range(64)), "Rome"), "rome")


def test_without_a_model_it_is_not_run_and_never_passed() -> None:
    assert not_run().status is Status.NOT_RUN
