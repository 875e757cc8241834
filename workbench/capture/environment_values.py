"""Masks the values of environment variables in what a program left behind."""

import mmap
import re
from collections.abc import Iterable

from workbench.capture.secrets import MASK, is_secret_name, looks_secret, mask_known_tokens, mask_text

# Shorter values (`1`, `true`, `C.UTF-8`) are parts of ordinary words, unless their variable is one of these.
_SHORTEST = 8
_SHORTEST_OF_SECRET_VARIABLE = 4
_SHORTEST_OF_USER_OR_HOST = 5
_USER_OR_HOST = frozenset({"USER", "LOGNAME", "USERNAME", "HOST", "HOSTNAME"})
# From this length on a value is not part of a longer word by chance.
_LONG = 12
# Numbers, versions and dates.
_NUMERIC = re.compile(r"[vV]?[\d\s.,:;+/x-]+")


class EnvironmentValues:
    """The values worth masking among those of an environment.

    A secret, by its variable's name or by its looks, is masked wherever it occurs. Any other value, unless it is
    short or a number, is masked in what the program said, but left alone in names that a compiler made: there it
    is a word that both happen to use.
    """

    def __init__(self, environment: Iterable[tuple[str, str]]) -> None:
        """Takes (variable, value) pairs; a variable may occur more than once."""
        secrets: set[str] = set()
        others: set[str] = set()
        words: set[str] = set()
        for name, value in environment:
            has_secret_name, size = is_secret_name(name), len(value)
            if (has_secret_name and size >= _LONG) or (size >= _SHORTEST and looks_secret(value)):
                secrets.add(value)
            elif size >= _LONG and not _NUMERIC.fullmatch(value):
                others.add(value)
            elif size >= _shortest(name) and (has_secret_name or not _NUMERIC.fullmatch(value)):
                words.add(value)
        self._secret = _any_of(secrets)
        self._long = _any_of(secrets | others)
        self._word = _any_of(words, r"(?<![A-Za-z0-9_])(?:{})(?![A-Za-z0-9_])")
        self._secret_bytes = re.compile(self._secret.pattern.encode(errors="surrogateescape")) if self._secret else None

    def mask_in_code(self, text: str) -> str:
        """Masks secrets in a name that a compiler, or nsys, made."""
        return _sub(self._secret, mask_known_tokens(text))

    def mask_in_speech(self, text: str) -> str:
        """Masks values, and whatever else looks secret, in what the program said."""
        return mask_text(_sub(self._word, _sub(self._long, text)))

    def secret_in(self, content: bytes | mmap.mmap) -> bool:
        """Whether a secret occurs anywhere in the bytes of a file."""
        return self._secret_bytes is not None and self._secret_bytes.search(content) is not None


def _shortest(name: str) -> int:
    if is_secret_name(name):
        return _SHORTEST_OF_SECRET_VARIABLE
    return _SHORTEST_OF_USER_OR_HOST if name in _USER_OR_HOST else _SHORTEST


def _any_of(values: Iterable[str], template: str = "{}") -> re.Pattern[str] | None:
    # The longest first: one value may begin with another.
    ordered = sorted(values, key=len, reverse=True)
    return re.compile(template.replace("{}", "|".join(map(re.escape, ordered)))) if ordered else None


def _sub(pattern: re.Pattern[str] | None, text: str) -> str:
    return pattern.sub(MASK, text) if pattern else text
