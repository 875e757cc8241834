"""Takes the first Ctrl-C as a wish, so that a recording can be brought to a good end; makes other ends orderly."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

# What ends a process whose terminal closes, whose scheduler takes it away, or that gets a Ctrl-\\.
_HANG_UPS = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
# `timeout` and some schedulers signal a process and then its group: that is one wish.
_SAME_PRESS_S = 0.2


@dataclass
class StopRequest:
    """Whether the user has asked to stop; and whether nobody waits for what would still come of it."""

    made: bool = False
    hung_up: bool = False


@contextmanager
def stop_on_request() -> Iterator[StopRequest]:
    """While the context lasts, the first SIGINT is noted; each later one, and any other end, is a KeyboardInterrupt.

    Outside the main thread, which alone gets signals, nothing changes; a signal that is ignored (`nohup`) stays so,
    unless it is SIGINT.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    last_s = 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        del frame
        is_new = time.monotonic() - last_s > _SAME_PRESS_S
        last_s = time.monotonic()
        is_hang_up = number in _HANG_UPS
        # The first hang-up gives up; a later one must not disturb the cleaning.
        gives_up = not request.hung_up if is_hang_up else request.made and is_new
        request.made = True
        request.hung_up = request.hung_up or is_hang_up
        if gives_up:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, *_unignored(_HANG_UPS))}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def orderly_exit() -> Iterator[None]:
    """While the context lasts, the first SIGHUP, SIGTERM or SIGQUIT is a SystemExit, so that whatever is open closes.

    Later ones are ignored. Outside the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    has_come = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal has_come
        del frame
        if not has_come:
            has_come = True
            raise SystemExit(128 + number)

    previous = {number: signal.signal(number, leave) for number in _unignored(_HANG_UPS)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _unignored(numbers: tuple[signal.Signals, ...]) -> list[signal.Signals]:
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
