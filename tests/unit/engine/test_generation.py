from collections.abc import Iterable, Sequence
from typing import cast

import pytest

from engine import generation
from engine.errors import EngineError
from engine.generation import Answer, Piece, Request, answer, collect, make_request
from engine.runner import Runner
from engine.tokenizers import ByteTokenizer
from tests.unit.engine.engines import choice, tiny

SMILE = "🙂".encode()


def request(stops: frozenset[int] = frozenset(), max_tokens: int = 8) -> Request:
    return Request(ByteTokenizer(512), (1, 2), max_tokens, stops)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """A model that says this."""
    tokens: list[int] = []

    def say(_runner: Runner, _prompt: Sequence[int], most: int, stops: frozenset[int]) -> Iterable[int]:
        for token in tokens[:most]:
            yield token
            if token in stops:
                return

    monkeypatch.setattr(generation, "generate", say)
    return tokens


RUNNER = cast(Runner, None)


def test_characters_come_whole(answering: list[int]) -> None:
    answering += [*b"a", *SMILE, *b"b", *SMILE[:2]]
    texts = [piece.text for piece in answer(RUNNER, request())]
    assert texts == ["a", "", "", "", "🙂", "b", "", "", "\ufffd"]


def test_an_answer_ends_with_a_stop_token_that_is_not_text(answering: list[int]) -> None:
    answering += [*b"ab", 300, *b"c"]
    asked = request(frozenset({300}))
    assert collect(asked, answer(RUNNER, asked)) == Answer((1, 2), (97, 98, 300), "ab", "stop")


def test_an_answer_ends_when_enough_came(answering: list[int]) -> None:
    answering += b"abcdefghijk"
    asked = request(frozenset({300}), 4)
    assert collect(asked, answer(RUNNER, asked)) == Answer((1, 2), (97, 98, 99, 100), "abcd", "length")


def test_a_model_without_vocabulary_reads_bytes_and_stops_where_its_shape_says() -> None:
    made = make_request(choice("tiny-llama"), "hé", 5)
    assert made.prompt_tokens == tuple("hé".encode())
    assert made.context == 8
    assert made.stops == frozenset()
    assert 128009 in make_request(choice("llama-3.2-1b"), "x", 5).stops


def test_a_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(EngineError, match="no UTF-8"):
        make_request(choice(), "\udc80", 5)


def test_a_real_answer_is_the_runners_tokens() -> None:
    asked = make_request(choice(), "hello", 6)
    pieces = list(answer(tiny().runner, asked))
    assert pieces[-1].token is None
    found = collect(asked, pieces)
    runner = tiny().runner
    runner.prefill(list(b"hello"))
    for step in range(5):
        runner.decode(step)
    assert list(found.tokens) == runner.tokens(6)
    assert found.finish_reason == "length"
    assert all(isinstance(piece, Piece) for piece in pieces)
