"""Random weights made on the device: kernels_cu/synthetic/fill.cu."""

from engine.backends.cuda.forms import vector_form
from engine.backends.cuda.gpu import Launch
from engine.formats import Q8_0, WeightFormat
from engine.formats.format import SYNTHETIC_DEVIATION
from engine.formats.q8_0 import BYTE_DEVIATION
from engine.kernels.source import KernelSource

_THREADS = 256
_BLOCKS_PER_MULTIPROCESSOR = 8


def fill_launch(format_: WeightFormat, multiprocessors: int) -> Launch:
    """How a matrix is filled."""
    source = KernelSource("synthetic/fill.cu", (("FORMAT", vector_form(format_).macro),))
    return Launch(source, (_BLOCKS_PER_MULTIPROCESSOR * multiprocessors,), _THREADS)


def spread_of(format_: WeightFormat) -> float:
    """The scale of random bytes, or the width of the even distribution of random numbers."""
    return SYNTHETIC_DEVIATION / BYTE_DEVIATION if format_ is Q8_0 else SYNTHETIC_DEVIATION * 12**0.5
