"""Weight formats: how a matrix is packed, what it weighs, and what its numbers are."""

from engine.errors import EngineError
from engine.fields import shown
from engine.formats.bf16 import BF16
from engine.formats.format import Parts, WeightFormat
from engine.formats.fp16 import FP16
from engine.formats.fp32 import FP32
from engine.formats.q8_0 import Q8_0

FORMATS: dict[str, WeightFormat] = {format_.name: format_ for format_ in (FP32, BF16, FP16, Q8_0)}

__all__ = ["BF16", "FORMATS", "FP16", "FP32", "Q8_0", "Parts", "WeightFormat", "known_format"]


def known_format(name: str) -> WeightFormat:
    """The format of this name, in whatever case.

    Raises:
        EngineError: there is none.
    """
    try:
        return FORMATS[name.lower()]
    except KeyError as error:
        known = ", ".join(FORMATS)
        raise EngineError(f"the weight format {shown(name)} is not supported; known are {known}") from error
