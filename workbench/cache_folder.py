"""Where the user's cache lies."""

import os
from collections.abc import Mapping
from pathlib import Path


def traces_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of traces that were read once; None where the user has no home.

    `WB_CACHE_DIR`, or a place in the user's cache folder.
    """
    if own := environment.get("WB_CACHE_DIR"):
        return Path(own)
    try:
        base = environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return Path(base) / "wb" / "traces"
