"""A tokenizer of the library `tokenizers`, whose decoding is a table from tokens to bytes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.fields import shown
from engine.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

SPACE = "\u2581"
_STANDARD_ERROR = 2
_quiet = threading.RLock()


class Spelling(Enum):
    """How a vocabulary writes bytes: each as a printable character, or as text in which spaces are marked."""

    BYTES = "bytes"
    MARKED_SPACES = "marked spaces"


@dataclass(frozen=True)
class Marks:
    """Tokens with a meaning of their own."""

    start: int | None
    stops: frozenset[int]


class LibraryTokenizer(Tokenizer):
    """Encodes with the library."""

    def __init__(self, backend: Backend, table: Mapping[int, bytes], marks: Marks, *, drops_first_space: bool) -> None:
        self._backend = backend
        self._table = table
        self.start_token = marks.start
        self.stop_tokens = marks.stops
        self.drops_first_space = drops_first_space

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text alone; special tokens that are spelled out in it become themselves."""
        with library_errors("the text cannot be encoded by this model's tokenizer"):
            return list(self._backend.encode(text, add_special_tokens=False).ids)

    def bytes_of(self, token: int) -> bytes:
        """What a token stands for; nothing if it is special, or none."""
        return self._table.get(token, b"")


@contextmanager
def library_errors(failure: str) -> Iterator[None]:
    """Turns what the library raises into a user's error; it also raises panics, which are no `Exception`."""
    try:
        with _standard_error_dropped():
            yield
    except (EngineError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        raise EngineError(f"{failure} ({shown(error)}); restore the model's vocabulary") from error


@contextmanager
def _standard_error_dropped() -> Iterator[None]:
    """The library writes its panics there before it raises them, past Python."""
    with _quiet:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:
            # It is closed, so that nothing can be written.
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), _STANDARD_ERROR)
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)


def byte_table(vocabulary: Iterable[tuple[str, int]], spelling: Spelling) -> dict[int, bytes]:
    """What tokens stand for that are spelled like this."""
    spell = _spelled_bytes if spelling is Spelling.BYTES else _marked_text
    return {token: spell(text) for text, token in vocabulary}


def utf8(text: str) -> bytes:
    """The bytes of a text, which may come from a file that holds anything."""
    return text.encode("utf-8", "replace")


def _spelled_bytes(text: str) -> bytes:
    try:
        return bytes(_BYTE_OF_CHARACTER[character] for character in text)
    except KeyError:
        return utf8(text)


def _marked_text(text: str) -> bytes:
    return _BYTE_OF_NAME.get(text) or utf8(text.replace(SPACE, " "))


def _byte_characters() -> dict[str, int]:
    """GPT-2's: a byte that is printable in Latin-1 is that character; the others are, in order, those from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


_BYTE_OF_CHARACTER = _byte_characters()
_BYTE_OF_NAME = {f"<0x{byte:02X}>": bytes([byte]) for byte in range(256)}
