"""Where commands print tables."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Wider than any name.
_UNBOUNDED = 1_000_000


def output_console() -> "Console":
    """Standard output: as wide as `COLUMNS` says, else as the terminal; whatever else reads it gets whole lines."""
    from rich.console import Console

    is_bounded = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if is_bounded else _UNBOUNDED)
