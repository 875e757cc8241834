"""Names as they may be shown: programs choose them, and may put anything in."""


def one_line(text: str) -> str:
    """The text on one line; what would steer a terminal, or spoil XML, is a replacement character."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def cut(text: str, longest: int) -> str:
    """The text, or its beginning where it is longer than `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_words(text: str, longest: int) -> str:
    """The text with every word cut that is longer than `longest` characters: no browser breaks a line in it."""
    return " ".join(cut(word, longest) for word in text.split())
