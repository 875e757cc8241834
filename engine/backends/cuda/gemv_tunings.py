"""How matrix-vector products are laid out on the chip.

Which layout is fastest depends on how a product's rows divide among multiprocessors, in ways that no rule was found
for. So the shapes of known models are listed with what `python -m benchmarks.gemv` found on an H200; others follow
rules that were nearly as good for all of these.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.backends.cuda.forms import Form
from engine.formats import WeightFormat


class Epilogue(StrEnum):
    """What becomes of a product."""

    STORE = "EPILOGUE_STORE"
    ADD = "EPILOGUE_ADD"
    SWIGLU = "EPILOGUE_SWIGLU"


@dataclass(frozen=True)
class Tuning:
    """How a product is laid out: found by measuring (benchmarks/gemv.py).

    Attributes:
        rows: a warp reads side by side.
        ahead: loads of each row in flight.
        blocks_per_multiprocessor: at most so many; a block goes through several tiles where there are more.
    """

    rows: int
    ahead: int
    blocks_per_multiprocessor: int


@dataclass(frozen=True)
class Product:
    """A product as a kernel sees it."""

    format: WeightFormat
    rows: int
    columns: int
    normed: bool
    epilogue: Epilogue
    out: Form

    @property
    def outputs(self) -> int:
        """How many numbers come out."""
        return self.rows // 2 if self.epilogue is Epilogue.SWIGLU else self.rows


def chosen_tuning(product: Product) -> Tuning:
    """What was measured for a product of this shape, or else what its kind wants."""
    measured = _MEASURED.get((product.format.name, product.epilogue, product.rows, product.columns))
    return measured or _rule(product)


def _rule(product: Product) -> Tuning:
    if product.epilogue is Epilogue.SWIGLU:
        return Tuning(rows=4, ahead=3 if product.format.block > 1 else 4, blocks_per_multiprocessor=4)
    if product.epilogue is Epilogue.ADD:
        return Tuning(rows=2, ahead=8, blocks_per_multiprocessor=16)
    return Tuning(rows=4 if product.rows > 1 << 15 else 2, ahead=4, blocks_per_multiprocessor=4)


_STORE, _ADD, _SWIGLU = Epilogue.STORE, Epilogue.ADD, Epilogue.SWIGLU

# By format, epilogue, rows and columns.
_MEASURED: dict[tuple[str, Epilogue, int, int], Tuning] = {
    # Llama-3.2-3B
    ("q8_0", _STORE, 5120, 3072): Tuning(2, 4, 2),
    ("q8_0", _ADD, 3072, 3072): Tuning(2, 8, 16),
    ("q8_0", _SWIGLU, 16_384, 3072): Tuning(8, 3, 16),
    ("q8_0", _ADD, 3072, 8192): Tuning(2, 4, 16),
    ("q8_0", _STORE, 128_256, 3072): Tuning(2, 3, 16),
    ("fp16", _STORE, 5120, 3072): Tuning(2, 4, 4),
    ("fp16", _ADD, 3072, 3072): Tuning(1, 8, 16),
    ("fp16", _SWIGLU, 16_384, 3072): Tuning(4, 3, 2),
    ("fp16", _ADD, 3072, 8192): Tuning(4, 6, 16),
    ("fp16", _STORE, 128_256, 3072): Tuning(4, 3, 16),
    # Qwen3-4B
    ("q8_0", _STORE, 6144, 2560): Tuning(4, 3, 4),
    ("q8_0", _ADD, 2560, 4096): Tuning(2, 8, 4),
    ("q8_0", _SWIGLU, 19_456, 2560): Tuning(4, 2, 4),
    ("q8_0", _ADD, 2560, 9728): Tuning(1, 6, 16),
    ("q8_0", _STORE, 151_936, 2560): Tuning(4, 3, 16),
    ("fp16", _STORE, 6144, 2560): Tuning(4, 4, 4),
    ("fp16", _ADD, 2560, 4096): Tuning(1, 6, 16),
    ("fp16", _SWIGLU, 19_456, 2560): Tuning(4, 4, 4),
    ("fp16", _ADD, 2560, 9728): Tuning(4, 6, 16),
    ("fp16", _STORE, 151_936, 2560): Tuning(4, 6, 4),
    # Qwen3-8B
    ("q8_0", _STORE, 6144, 4096): Tuning(1, 6, 2),
    ("q8_0", _ADD, 4096, 4096): Tuning(2, 4, 16),
    ("q8_0", _SWIGLU, 24_576, 4096): Tuning(4, 4, 2),
    ("q8_0", _ADD, 4096, 12_288): Tuning(2, 8, 16),
    ("q8_0", _STORE, 151_936, 4096): Tuning(2, 4, 16),
}
