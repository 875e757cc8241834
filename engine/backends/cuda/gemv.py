"""How a matrix-vector product is launched: kernels_cu/gemv."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from engine.backends.cuda.forms import Form, vector_form
from engine.backends.cuda.gpu import Launch
from engine.formats import Q8_0, WeightFormat
from engine.kernels.source import KernelSource

_THREADS = 256
_WARPS = _THREADS // 32


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


def default_tuning(product: Product) -> Tuning:
    """What was best, or nearly so, for the shapes in the registry on an H200."""
    if product.epilogue is Epilogue.SWIGLU:
        return Tuning(rows=4, ahead=3 if product.format.block > 1 else 4, blocks_per_multiprocessor=16)
    if product.epilogue is Epilogue.ADD:
        return Tuning(rows=2, ahead=8, blocks_per_multiprocessor=16)
    return Tuning(rows=4 if product.rows > 1 << 15 else 2, ahead=4, blocks_per_multiprocessor=4)


def gemv_source(product: Product, tuning: Tuning) -> KernelSource:
    """The kernel of a product."""
    return KernelSource(
        f"gemv/gemv_{product.format.name}.cu",
        (
            ("COLUMNS", product.columns),
            ("ROWS", tuning.rows),
            ("AHEAD", tuning.ahead),
            ("INPUT", "INPUT_NORMED" if product.normed else "INPUT_READY"),
            ("EPILOGUE", product.epilogue.value),
            ("OUT_FORM", product.out.macro),
        ),
    )


@cache
def gemv_launch(product: Product, multiprocessors: int, tuning: Tuning | None = None) -> Launch:
    """How a product is launched; no block is without a tile, for each must wait for the kernel before."""
    tuning = tuning or default_tuning(product)
    outputs_per_tile = _WARPS * tuning.rows // (2 if product.epilogue is Epilogue.SWIGLU else 1)
    tiles = -(-product.outputs // outputs_per_tile)
    form = vector_form(product.format)
    scales_bytes = product.columns // form.block * 4 if form.block else 0
    return Launch(
        gemv_source(product, tuning),
        (min(tiles, tuning.blocks_per_multiprocessor * multiprocessors),),
        _THREADS,
        product.columns * form.number_bytes + scales_bytes,
    )
