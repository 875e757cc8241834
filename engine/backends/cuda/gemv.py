"""How a matrix-vector product is launched: kernels_cu/gemv."""

from functools import cache

from engine.backends.cuda.forms import vector_form
from engine.backends.cuda.gemv_tunings import Epilogue, Product, Tuning, chosen_tuning
from engine.backends.cuda.gpu import Launch
from engine.kernels.source import KernelSource

_THREADS = 256
_WARPS = _THREADS // 32


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
    tuning = tuning or chosen_tuning(product)
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
