"""Opens a range in itself, in a child, and in a program that a shell of its own starts."""

import subprocess
import sys
import time

import nvtx

with nvtx.annotate(sys.argv[1]):
    time.sleep(0.05)
if sys.argv[1] == "parent":
    subprocess.run([sys.executable, __file__, "child"], check=True)
    subprocess.run(["sh", "-c", f"{sys.executable} {__file__} grandchild; true"], check=True)
