"""Runs a model up to some operation and no further, so that the buffers of two backends can be compared."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.operations import Operations, Site
from engine.wrapping import wrapped


class Stopped(Exception):  # noqa: N818 - no error: what was asked for
    """The operation after which a run was to stop is done."""


@dataclass
class Counter:
    """The operations that were done so far."""

    sites: list[Site]


def counted(ops: Operations, counter: Counter, stop_after: int | None = None) -> Operations:
    """A backend that notes its operations, and raises `Stopped` once so many are done."""

    def note(_name: str, site: Site, call: Callable[[], None]) -> None:
        call()
        counter.sites.append(site)
        if len(counter.sites) == stop_after:
            raise Stopped

    return wrapped(ops, note)
