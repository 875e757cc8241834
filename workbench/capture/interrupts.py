"""Takes the first Ctrl-C as a wish, so that a recording can be brought to a good end."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# `timeout` and some schedulers signal a process and then its group: that is one wish.
_SAME_PRESS_S = 0.2


@dataclass
class StopRequest:
    """Whether the user has asked to stop."""

    made: bool = False


@contextmanager
def stop_on_request() -> Iterator[StopRequest]:
    """While the context lasts, the first SIGINT or SIGTERM is noted, and each later one is a KeyboardInterrupt.

    Outside the main thread, which alone gets signals, nothing changes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    last_s = 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        del number, frame
        is_new = time.monotonic() - last_s > _SAME_PRESS_S
        last_s = time.monotonic()
        if request.made and is_new:
            raise KeyboardInterrupt
        request.made = True

    previous = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
