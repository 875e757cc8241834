"""What every tokenizer can do."""

import codecs
from abc import ABC, abstractmethod
from collections.abc import Iterable

from engine.errors import EngineError

# Eight bytes for each token of the longest contexts; a library that encodes cannot be interrupted.
_LONGEST_TEXT_BYTES = 1 << 20


class Tokenizer(ABC):
    """A model's vocabulary.

    Every token stands for some bytes of UTF-8, which need not be whole characters; a token that steers the model, such
    as one that ends a text, stands for none.

    Attributes:
        start_token: what an encoded text begins with, if anything.
        stop_tokens: tokens that end a text, as far as the vocabulary itself says so.
        drops_first_space: encoding puts a space before a text, and decoding takes it away.
    """

    start_token: int | None = None
    stop_tokens: frozenset[int] = frozenset()
    drops_first_space: bool = False

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, behind the start token if there is one.

        Raises:
            EngineError: the text holds what is no character, or is longer than any context.
        """
        try:
            size_bytes = len(text.encode())
        except UnicodeEncodeError as error:
            raise EngineError("the text holds bytes that are no UTF-8; give it in that encoding") from error
        if size_bytes > _LONGEST_TEXT_BYTES:
            raise EngineError(f"the text is longer than {_LONGEST_TEXT_BYTES >> 20} MiB; shorten it")
        start = [] if self.start_token is None else [self.start_token]
        return start + self.tokens_of(text)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens; bytes that make up no character become the replacement character."""
        decoder = StreamDecoder(self)
        return "".join(map(decoder.push, tokens)) + decoder.finish()

    @abstractmethod
    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text alone."""

    @abstractmethod
    def bytes_of(self, token: int) -> bytes:
        """What a token stands for; nothing if there is no such token."""


class StreamDecoder:
    """Decodes tokens as they come, whole characters only; the pieces joined are what decoding them all gives."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._drops_space = tokenizer.drops_first_space

    def push(self, token: int) -> str:
        """What can be written now that this token came."""
        data = self._tokenizer.bytes_of(token)
        if data and self._drops_space:
            self._drops_space = False
            data = data.removeprefix(b" ")
        return self._characters.decode(data)

    def finish(self) -> str:
        """What is left when no more tokens come: a character that was never completed."""
        return self._characters.decode(b"", final=True)
