"""How a caller is told how far things are."""

from collections.abc import Callable

# Told of a stage ("loading layers"), and how many of how many parts of it are done.
StageProgress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody."""
