"""Reading values out of documents that may hold anything."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError

_SHOWN_LENGTH = 80


def shown(value: object, length: int = _SHOWN_LENGTH) -> str:
    """A name or value out of a file, short and without characters that do something to a terminal."""
    text = "".join(character if character.isprintable() else "?" for character in str_of(value)[: length + 1])
    return text if len(text) <= length else f"{text[:length]}..."


def str_of(value: object) -> str:
    """A value as text; also where it is an integer of more digits than Python writes."""
    try:
        return str(value)
    except ValueError:
        return "a huge number"


@dataclass(frozen=True)
class Fields:
    """Values by name, and the file that they come from.

    A value that is None counts as missing. Without a default, a missing value is an error.
    """

    values: Mapping[str, Any]
    file: str

    def has(self, name: str) -> bool:
        """Whether there is such a value."""
        return self.values.get(name) is not None

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number.

        Raises:
            EngineError: it is missing or something else.
        """
        return self._whole(name, self._value(name, default))

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number.

        Raises:
            EngineError: it is missing or something else.
        """
        value = self._value(name, default)
        try:
            number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(name, value, "a finite number")
        return number

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no.

        Raises:
            EngineError: it is something else.
        """
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, value, "true or false")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A text.

        Raises:
            EngineError: it is missing or something else.
        """
        value = self._value(name, default)
        if not isinstance(value, str):
            raise self.wrong(name, value, "a text")
        return value

    def fields(self, name: str) -> "Fields | None":
        """The values within a value, or None where there are none.

        Raises:
            EngineError: it is something else.
        """
        if not self.has(name):
            return None
        if not isinstance(value := self.values[name], dict):
            raise self.wrong(name, value, "an object")
        return Fields(value, self.file)

    def tokens(self, name: str) -> tuple[int, ...]:
        """A token or a list of them; none where it is missing.

        Raises:
            EngineError: it is something else.
        """
        if not self.has(name):
            return ()
        value = self.values[name]
        tokens = tuple(self._whole(name, token) for token in (value if isinstance(value, list) else [value]))
        if not all(0 <= token < 1 << 31 for token in tokens):
            raise self.wrong(name, value, "a token")
        return tokens

    def wrong(self, name: str, value: object, wanted: str) -> EngineError:
        """What to raise where a value is not what it has to be."""
        return EngineError(f"{name} in {self.file} is {shown(value)} where {wanted} has to be; restore the file")

    def _value(self, name: str, default: object) -> Any:
        value = self.values.get(name)
        if value is None:
            value = default
        if value is None:
            raise EngineError(f"{self.file} lacks {name}; restore it")
        return value

    def _whole(self, name: str, value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(value, float) and value.is_integer()):
            raise self.wrong(name, value, "a whole number")
        return int(value)
