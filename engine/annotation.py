"""NVTX ranges of the engine, in a domain of its own.

Phases and steps are ranges whose message is the phase and whose payload is the step. Operations are ranges whose
category is the layer type, whose message is the role and whose payload is the layer.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any

from engine.operations import Operations, Site
from engine.wrapping import wrapped

DOMAIN = "engine"


class Phase(StrEnum):
    """What the engine is about."""

    LOAD = "load"
    WARMUP = "warmup"
    PREFILL = "prefill"
    DECODE = "decode"


class Ranges:
    """Something that is told of ranges as they begin and end."""

    def begin(self, message: str, category: str | None, payload: int | None) -> None:
        """A range begins, inside those that are open."""

    def end(self) -> None:
        """The range that began last ends."""

    def phase(self, phase: Phase, step: int | None = None) -> AbstractContextManager[None]:
        """A phase, or a step of one."""
        return self._range(phase, None, step)

    def work(self, site: Site) -> AbstractContextManager[None]:
        """What is done at a place: an operation of a model, or loading it."""
        return self._range(site.role, site.layer_type, site.layer)

    @contextmanager
    def _range(self, message: str, category: str | None, payload: int | None) -> Iterator[None]:
        self.begin(message, category, payload)
        try:
            yield
        finally:
            self.end()


def profiler_ranges() -> Ranges:
    """Ranges for the profiler that listens, if one does."""
    try:
        import nvtx
    except ImportError:
        return Ranges()
    domain = nvtx.get_domain(DOMAIN)
    # Where nobody listens, nvtx has nothing to describe events with.
    listening = domain.get_event_attributes(message=DOMAIN) is not None
    return NvtxRanges(domain) if listening else Ranges()


class NvtxRanges(Ranges):
    """Tells a profiler."""

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self._attributes: dict[tuple[str, str | None], Any] = {}

    def begin(self, message: str, category: str | None, payload: int | None) -> None:
        """A range begins."""
        key = (message, category)
        attributes = self._attributes.get(key)
        if attributes is None:
            attributes = self._domain.get_event_attributes(message=message, category=category)
            self._attributes[key] = attributes
        attributes.payload = payload
        self._domain.push_range(attributes)

    def end(self) -> None:
        """The innermost range ends."""
        self._domain.pop_range()


def annotated(ops: Operations, ranges: Ranges) -> Operations:
    """A backend whose operations are ranges."""

    def within(_name: str, site: Site, call: Callable[[], None]) -> None:
        ranges.begin(site.role, site.layer_type, site.layer)
        try:
            call()
        finally:
            ranges.end()

    return wrapped(ops, within)
