"""The vocabulary of a model that has none: one whose weights are random."""

from engine.errors import EngineError
from engine.tokenizers.tokenizer import Tokenizer

_BYTES = 256


class ByteTokenizer(Tokenizer):
    """Token n stands for the byte n, and from 256 on for its own number in square brackets.

    So a prompt can be read by a model that was never trained, and its answer, which means nothing, can be written.
    """

    def __init__(self, vocabulary: int) -> None:
        if vocabulary < _BYTES:
            raise EngineError(
                f"a vocabulary of {vocabulary} tokens is too small for bytes, of which there are {_BYTES}"
            )

    def tokens_of(self, text: str) -> list[int]:
        """The bytes of a text."""
        return list(text.encode())

    def bytes_of(self, token: int) -> bytes:
        """A byte, or a number in brackets."""
        return bytes([token]) if 0 <= token < _BYTES else f"[{token}]".encode()
