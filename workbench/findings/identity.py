"""Which findings are the same: of the same detector, in the same phase, with a target that measures the same."""

from collections.abc import Hashable
from typing import Protocol

from workbench.findings.names import short_of
from workbench.findings.target import Target


class Claimed(Protocol):
    """A finding, of this report or an earlier one."""

    @property
    def detector(self) -> str:
        """Who claims it."""
        ...

    @property
    def phase(self) -> str:
        """The phase that it is about."""
        ...

    @property
    def target(self) -> Target:
        """What a later capture must show."""
        ...


def identity(finding: Claimed) -> Hashable:
    """Equal for findings that are the same, whatever their targets ask for and whichever process they are of."""
    target = finding.target
    return finding.detector, finding.phase, target.subject, target.measure, target.names


def loose_identity(finding: Claimed) -> Hashable:
    """As `identity`, but kernels by their short names: a target names one as shortly as its capture allows."""
    target = finding.target
    names = tuple(map(short_of, target.names)) if target.subject in ("kernel", "pair") else target.names
    return finding.detector, finding.phase, target.subject, target.measure, names
