"""Where the user's cache lies."""

import os
from collections.abc import Mapping
from pathlib import Path


def traces_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of traces that were read once: `WB_CACHE_DIR`, or a place in the user's cache folder."""
    base = environment.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(environment.get("WB_CACHE_DIR") or Path(base) / "wb" / "traces")
