"""Where a report comes from, as far as the capture itself does not say."""

from dataclasses import dataclass
from pathlib import PurePath

from workbench.manifest import Manifest


@dataclass(frozen=True)
class Origin:
    """What was asked, and what is known of the capture beside it.

    Attributes:
        capture: the capture as it was named on the command line; empty where that is unknown.
        rules: the rule files, likewise.
        manifest: how the capture was made, if that is known.
        counterpart, calibration: the capture and the file beside it, likewise; empty where none was named.
    """

    capture: str = ""
    rules: tuple[str, ...] = ()
    manifest: Manifest | None = None
    counterpart: str = ""
    calibration: str = ""


UNKNOWN = Origin()


def as_named(path: PurePath) -> str:
    """A path as a document may show it: as it was typed, or its last part where that would tell the user's folders."""
    return path.name if path.anchor else path.as_posix()
