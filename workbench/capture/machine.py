"""What a manifest says of the machine: GPUs, driver, clocks, commit; no host's name, user's name or path."""

import platform
import re
from pathlib import Path

from workbench.capture.helper_programs import output_of
from workbench.manifest import Commit, Device, Gpu, Host

# In this order; the driver's version is the same for all.
_QUERY = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,pstate,power.limit"


def describe_device() -> Device | None:
    """The GPUs as `nvidia-smi` tells them now; None where there is no driver or no GPU."""
    table = output_of(["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"])
    rows = [[cell.strip() for cell in line.split(",")] for line in (table or "").splitlines()]
    rows = [row for row in rows if len(row) == _QUERY.count(",") + 1]
    if not rows:
        return None
    cuda = re.search(r"CUDA Version\s*:\s*([\d.]+)", output_of(["nvidia-smi"]) or "")
    return Device(driver=_text(rows[0][1]), cuda=cuda[1] if cuda else None, gpus=tuple(map(_gpu, rows)))


def describe_commit(folder: Path) -> Commit | None:
    """The commit checked out in the repository that holds `folder`; untracked files do not make it dirty."""
    sha = output_of(["git", "rev-parse", "--verify", "HEAD"], folder)
    # Asked for its status, git would rewrite its index.
    changes = output_of(["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"], folder)
    if sha is None or changes is None:
        return None
    return Commit(sha.strip(), dirty=bool(changes.strip()))


def describe_host() -> Host:
    """Platform and Python of this process."""
    return Host(
        platform=f"{platform.system()} {platform.release()} {platform.machine()}", python=platform.python_version()
    )


def _gpu(row: list[str]) -> Gpu:
    sm, memory, max_sm, max_memory = (_number(cell) for cell in row[2:6])
    return Gpu(
        name=row[0],
        sm_clock_mhz=_whole(sm),
        memory_clock_mhz=_whole(memory),
        max_sm_clock_mhz=_whole(max_sm),
        max_memory_clock_mhz=_whole(max_memory),
        performance_state=_text(row[6]),
        power_limit_w=_number(row[7]),
    )


def _text(cell: str) -> str | None:
    """The cell, unless it is a remark such as `[N/A]`."""
    return None if not cell or cell.startswith("[") else cell


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
