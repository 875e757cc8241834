import os
import signal
import threading
import time

import pytest

from workbench.capture.interrupts import stop_on_request


def _press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_press_is_a_wish(number: signal.Signals) -> None:
    with stop_on_request() as stop:
        assert not stop.made
        _press(number)
        assert stop.made


def test_a_later_press_interrupts() -> None:
    with stop_on_request():
        _press()
        time.sleep(0.25)
        with pytest.raises(KeyboardInterrupt):
            _press()


def test_a_signal_that_is_sent_twice_at_once_is_one_press() -> None:
    with stop_on_request() as stop:
        _press(signal.SIGTERM)
        _press(signal.SIGINT)
        assert stop.made


def test_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_on_request():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_are_left_alone() -> None:
    handlers = []

    def enter() -> None:
        with stop_on_request() as stop:
            handlers.append((signal.getsignal(signal.SIGINT), stop.made))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert handlers == [(signal.getsignal(signal.SIGINT), False)]
