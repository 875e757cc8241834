"""The leaves of an attribution: what an operation is, or why that is not known."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.trace.model import NONE


class Reason(IntEnum):
    """Why an operation has no leaf."""

    ATTRIBUTED = 0
    NO_LAUNCH_RECORD = 1
    """No API call with its correlation id was recorded, so nobody knows who launched it."""
    NODE_CREATED_OUTSIDE_CAPTURE = 2
    """It replays a graph node whose creation was not recorded."""
    NO_RANGE = 3
    """No range was open when it was described."""
    NO_RULE = 4
    """Ranges were open, or names were asked, but no rule took it."""

    @property
    def label(self) -> str:
        """The name in reports and JSON."""
        return self.name.lower()


@dataclass(frozen=True, order=True)
class Leaf:
    """What an operation is.

    Attributes:
        layer_type: such as `attention` or `mlp`.
        layer: the layer's index in the model, or `NONE`.
        role: the part within the layer, such as `q_proj`, or empty.
        by: `range` or `kernel_name`: how it is known.
        rule: the rule that said so, as `file:section:number`.
    """

    layer_type: str
    layer: int
    role: str
    by: str
    rule: str


@dataclass(frozen=True, eq=False)
class LeafTable:
    """The distinct leaves, and for each row of something its leaf or `NONE`."""

    leaves: tuple[Leaf, ...]
    of_row: NDArray[np.int32]

    @classmethod
    def nothing(cls, rows: int) -> "LeafTable":
        """No row has a leaf."""
        return cls((), np.full(rows, NONE, np.int32))
