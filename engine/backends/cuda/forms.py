"""In which form rows of activations are kept for the products that read them: macros of kernels_cu/common/rows.cuh."""

from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.formats import BF16, FP16, FP32, Q8_0, WeightFormat
from engine.formats.q8_0 import INPUT_BLOCK


@dataclass(frozen=True)
class Form:
    """How rows are kept.

    Attributes:
        macro: the kernels' name of it.
        dtype: NumPy's type of a number (bfloat16 as bits).
        cuda_type: CUDA's type of a number.
        block: so many neighbours share a scale; 0 if there are none.
    """

    macro: str
    dtype: type[np.generic]
    cuda_type: str
    block: int = 0

    @property
    def number_bytes(self) -> int:
        """Bytes of one number, without its share of a scale."""
        return np.dtype(self.dtype).itemsize


SINGLE = Form("ROW_FP32", np.float32, "float")
HALF = Form("ROW_FP16", np.float16, "__half")
BFLOAT = Form("ROW_BF16", np.uint16, "__nv_bfloat16")
BYTES = Form("ROW_Q8", np.int8, "signed char", INPUT_BLOCK)

_VECTOR_FORMS = {FP32.name: SINGLE, FP16.name: HALF, BF16.name: BFLOAT, Q8_0.name: BYTES}
_ROWS_FORMS = {FP32.name: SINGLE, FP16.name: HALF, BF16.name: BFLOAT, Q8_0.name: BFLOAT}


def vector_form(format_: WeightFormat) -> Form:
    """What a matrix-vector product with such weights reads: `WeightFormat.round_vector` on the device."""
    return _known(_VECTOR_FORMS, format_)


def rows_form(format_: WeightFormat) -> Form:
    """What a product of many rows with such weights reads: `WeightFormat.round_rows` on the device."""
    return _known(_ROWS_FORMS, format_)


def _known(forms: dict[str, Form], format_: WeightFormat) -> Form:
    try:
        return forms[format_.name]
    except KeyError as error:
        raise EngineError(f"there are no CUDA kernels for {format_.name} weights; choose another format") from error
