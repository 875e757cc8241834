"""What a backend's memory is used for."""

from dataclasses import dataclass, field
from enum import StrEnum


class Use(StrEnum):
    """What memory can be used for."""

    WEIGHTS = "weights"
    CACHE = "cache"
    WORKSPACES = "workspaces"


@dataclass(frozen=True)
class MemoryUse:
    """Bytes by use, and the most that the device's free memory fell by, as seen after each time that some was taken.

    What others take of the device counts, too.
    """

    weights_bytes: int
    cache_bytes: int
    workspaces_bytes: int
    peak_bytes: int


@dataclass
class Ledger:
    """Adds up what is taken."""

    bytes_by_use: dict[Use, int] = field(default_factory=lambda: dict.fromkeys(Use, 0))

    def take(self, use: Use, size_bytes: int) -> None:
        """So much more is used for this."""
        self.bytes_by_use[use] += size_bytes

    def total_bytes(self) -> int:
        """All that was taken."""
        return sum(self.bytes_by_use.values())

    def summary(self, peak_bytes: int) -> MemoryUse:
        """The sums."""
        used = self.bytes_by_use
        return MemoryUse(used[Use.WEIGHTS], used[Use.CACHE], used[Use.WORKSPACES], peak_bytes)
