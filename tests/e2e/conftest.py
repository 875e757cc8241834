"""The real nsys, for tests that run it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

_VARIABLE = "WB_TEST_NSYS"
_INSTALLER = Path(__file__).parents[1] / "nsys" / "install.sh"


@dataclass(frozen=True)
class RealNsys:
    """An nsys, and a Python whose nvtx it understands."""

    path: Path
    python: Path


@pytest.fixture(scope="session")
def nsys() -> RealNsys:
    """Debian's nsys 2023.4; the test is skipped where it cannot be had, or is not wanted."""
    if os.environ.get(_VARIABLE) == "0":
        pytest.skip(f"{_VARIABLE}=0: no real nsys is downloaded and run")
    done = subprocess.run(
        [_INSTALLER], env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(done.stderr.strip())
    path = Path(done.stdout.strip())
    return RealNsys(path, path.parents[1] / "python/bin/python")
