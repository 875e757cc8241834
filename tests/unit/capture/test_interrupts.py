import os
import signal
import threading
import time

import pytest

from workbench.capture.interrupts import orderly_exit, stop_on_request


def _press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_the_first_press_is_a_wish() -> None:
    with stop_on_request() as stop:
        assert not stop.made
        _press()
        assert (stop.made, stop.hung_up) == (True, False)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT])
def test_who_hangs_up_does_not_wait_and_does_not_disturb_the_cleaning(number: signal.Signals) -> None:
    with stop_on_request() as stop:
        with pytest.raises(KeyboardInterrupt):
            _press(number)
        assert (stop.made, stop.hung_up) == (True, True)
        time.sleep(0.25)
        _press(number)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_request() as stop, orderly_exit():
            _press(signal.SIGHUP)
            assert not stop.made
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_orderly_exit_happens_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with orderly_exit():
        with pytest.raises(SystemExit) as ended:
            _press(signal.SIGTERM)
        assert ended.value.code == 143
        _press(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_later_press_interrupts() -> None:
    with stop_on_request():
        _press()
        time.sleep(0.25)
        with pytest.raises(KeyboardInterrupt):
            _press()


def test_a_signal_that_is_sent_twice_at_once_is_one_press() -> None:
    with stop_on_request() as stop:
        _press()
        _press()
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
