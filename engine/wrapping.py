"""Puts something around every operation of a backend."""

from collections.abc import Callable
from typing import Any, cast

from engine.operations import Operations, Site

# Told an operation's name and where it stands, and given it to be done.
Around = Callable[[str, Site, Callable[[], None]], None]


def wrapped(ops: Operations, around: Around) -> Operations:
    """A backend of which every operation, that is every method that takes a `Site` first, goes through `around`."""
    return cast(Operations, _Wrapped(ops, around))


class _Wrapped:
    def __init__(self, ops: Operations, around: Around) -> None:
        self._ops = ops
        self._around = around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ops, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if arguments and isinstance(arguments[0], Site):
                return self._around(name, arguments[0], lambda: method(*arguments, **named))
            return method(*arguments, **named)

        # Found at once the next time.
        self.__dict__[name] = call
        return call
