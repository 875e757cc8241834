"""Opens as many ranges `step` as it is told, 0.1 s each, inside a range `measure` from the fifth to the seventh.

With `stubborn` as second argument it lets nobody interrupt it.
"""

# ruff: noqa: T201

import signal
import sys
import time

import nvtx

if sys.argv[2:] == ["stubborn"]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
print("started", flush=True)
for number in range(1, int(sys.argv[1]) + 1):
    if number == 5:
        nvtx.push_range("measure", domain="engine")
    with nvtx.annotate("step", domain="engine"):
        time.sleep(0.1)
    if number == 7:
        nvtx.pop_range(domain="engine")
print("finished", flush=True)
