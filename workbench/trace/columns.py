"""Frozen dataclasses of equally long, read-only NumPy arrays: the shape of every table in a trace."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Integers of any width; the columns of the tables below say which.
IntArray = NDArray[Any]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Columns:
    """Base of a table: each field of a subclass is one column, an array of shape (rows,)."""

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{type(self).__name__} columns differ in length: {lengths}")
        for field in fields(self):
            getattr(self, field.name).flags.writeable = False

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(field.name for field in fields(cls))
