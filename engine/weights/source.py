"""What every source of weights can do: give a model's tensors by name, packed."""

from abc import ABC, abstractmethod

from engine.config import ModelConfig
from engine.formats import Parts, WeightFormat
from engine.formats.format import FloatArray


class WeightSource(ABC):
    """A model's tensors, by the names that transformers gives them (`model.layers.0.self_attn.q_proj.weight`)."""

    config: ModelConfig
    description: str
    """One phrase for reports: what file or folder, without where it lies."""

    @abstractmethod
    def format_of(self, name: str) -> WeightFormat:
        """The format in which a matrix is stored.

        Raises:
            EngineError: there is no such tensor, or its type is not supported.
        """

    @abstractmethod
    def matrix(self, name: str, rows: int, columns: int, format_: WeightFormat) -> Parts:
        """A matrix, packed in this format; the stored numbers bit by bit where they are stored in it.

        Raises:
            EngineError: there is no such tensor, its shape is another, or the file is damaged.
        """

    @abstractmethod
    def vector(self, name: str, size: int) -> FloatArray:
        """A vector, such as a norm's weight, in single precision.

        Raises:
            EngineError: as for a matrix.
        """

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
