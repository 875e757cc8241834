"""CUDA sources: where they are, and what a compilation of one depends on."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError

# Beside the package, in the repository as in an installed wheel.
FOLDER = Path(__file__).resolve().parents[2] / "kernels_cu"


class KernelError(EngineError):
    """A CUDA source cannot be compiled: where, and why."""


@dataclass(frozen=True)
class KernelSource:
    """A file of `kernels_cu` and the macros that make it one of the kernels it can be.

    Attributes:
        file: its path inside `kernels_cu`, with forward slashes.
        defines: macros and their values.
    """

    file: str
    defines: tuple[tuple[str, str | int], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.file, *(f"-D{name}={value}" for name, value in self.defines)])

    def read(self) -> str:
        """The file's text.

        Raises:
            KernelError: there is no such file, or it cannot be read.
        """
        try:
            return (FOLDER / self.file).read_text(encoding="utf-8")
        except OSError as error:
            raise KernelError(f"the CUDA source {self.file} cannot be read ({error.strerror}); reinstall") from error


def headers() -> dict[str, str]:
    """The text of every header in `kernels_cu`, by its path there."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.cuh"))
    }
