"""Names as they may be shown: programs choose them, and may put anything in."""

from collections.abc import Sequence


def one_line(text: str) -> str:
    """The text on one line; what would steer a terminal, or spoil XML, is a replacement character."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def cut(text: str, longest: int) -> str:
    """The text, or its beginning where it is longer than `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_words(text: str, longest: int) -> str:
    """The text with every word cut that is longer than `longest` characters: no browser breaks a line in it."""
    return " ".join(cut(word, longest) for word in text.split())


def capture_names(names: Sequence[str]) -> list[str]:
    """The names of some captures, their folder said once where they share it: `folder/a`, `b`, `c`."""
    folders = {name.rpartition("/")[0] for name in names}
    if len(folders) > 1:
        return list(names)
    return [*names[:1], *(name.rpartition("/")[2] for name in names[1:])]
