"""Answers a prompt, token by token."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.model_choice import ModelChoice
from engine.runner import Runner, generate
from engine.tokenizers import ByteTokenizer, StreamDecoder, Tokenizer, open_tokenizer


@dataclass(frozen=True)
class Request:
    """A prompt for a model.

    Attributes:
        tokenizer: the model's, or one of bytes.
        prompt_tokens: the prompt, with whatever a text begins with.
        max_tokens: the answer ends behind so many, at the latest.
        stops: tokens that end it.
    """

    tokenizer: Tokenizer
    prompt_tokens: tuple[int, ...]
    max_tokens: int
    stops: frozenset[int]

    @property
    def context(self) -> int:
        """The positions that it needs in a cache."""
        return len(self.prompt_tokens) + self.max_tokens


@dataclass(frozen=True)
class Piece:
    """A token of an answer, and the text that is complete with it; behind the last token, the text left over."""

    token: int | None
    text: str


@dataclass(frozen=True)
class Answer:
    """A whole answer.

    Attributes:
        prompt_tokens: what it follows.
        tokens: with the token that ended it, if one did.
        text: without that token.
        finish_reason: whether such a token came, or as many tokens as were asked for.
    """

    prompt_tokens: tuple[int, ...]
    tokens: tuple[int, ...]
    text: str
    finish_reason: Literal["stop", "length"]


def make_request(choice: ModelChoice, prompt: str, max_tokens: int) -> Request:
    """Encodes a prompt; as bytes, where the model has no vocabulary.

    Raises:
        EngineError: the vocabulary is damaged or not supported, or the prompt is no text.
    """
    tokenizer = open_tokenizer(choice.path) if choice.path else ByteTokenizer(choice.config.vocabulary)
    stops = tokenizer.stop_tokens | frozenset(choice.config.stop_tokens)
    return Request(tokenizer, tuple(tokenizer.encode(prompt)), max_tokens, stops)


def answer(runner: Runner, request: Request) -> Iterator[Piece]:
    """The answer as it comes.

    Raises:
        EngineError: prompt and answer do not fit in the cache; before anything runs.
    """
    decoder = StreamDecoder(request.tokenizer)
    for token in generate(runner, request.prompt_tokens, request.max_tokens, request.stops):
        yield Piece(token, "" if token in request.stops else decoder.push(token))
    yield Piece(None, decoder.finish())


def collect(request: Request, pieces: Iterable[Piece]) -> Answer:
    """The whole answer."""
    all_pieces = list(pieces)
    tokens = tuple(piece.token for piece in all_pieces if piece.token is not None)
    stopped = bool(tokens) and tokens[-1] in request.stops
    text = "".join(piece.text for piece in all_pieces)
    return Answer(request.prompt_tokens, tokens, text, "stop" if stopped else "length")
