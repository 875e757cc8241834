"""The kernels of a model, so that they can be compiled before any is run, and for chips that are not here.

All weights are taken to be in one format; what an embedding in another needs is compiled when it is launched.
"""

from collections.abc import Iterator
from itertools import product as combinations

from engine.backends.cuda.decode_attention import decode_attention_launch
from engine.backends.cuda.forms import SINGLE, rows_form, vector_form
from engine.backends.cuda.gemv import gemv_launch
from engine.backends.cuda.gemv_tunings import Epilogue, Product
from engine.backends.cuda.launches import (
    argmax_launch,
    dequantise_launch,
    embed_launch,
    fill_launch,
    norm_launch,
    rope_launch,
    round_launch,
    sample_launch,
    swiglu_launch,
)
from engine.backends.cuda.prefill_attention import prefill_attention_launch
from engine.config import ModelConfig
from engine.formats import BF16, FP16, Q8_0, WeightFormat
from engine.kernels.source import KernelSource
from engine.operations import HeadShape

_MANY_TOKENS = (2, 4096)


def model_sources(
    config: ModelConfig, format_: WeightFormat, arch: str, multiprocessors: int, *, variants: bool
) -> tuple[KernelSource, ...]:
    """The kernels of a model with all its weights in one format, each once.

    Args:
        config: the model's shape.
        format_: of its weights.
        arch: what is compiled for.
        multiprocessors: of the device.
        variants: those that only variants need, too.
    """
    shape = HeadShape(config.heads, config.kv_heads, config.head_dim)
    cache_type = vector_form(BF16 if format_ is BF16 else FP16).cuda_type
    launches = [
        embed_launch(format_, config.hidden_size, 1),
        fill_launch(format_, 1),
        argmax_launch(),
        sample_launch(),
        rope_launch(shape, cache_type, 1, has_norm=config.has_qk_norm),
        *(gemv_launch(product, multiprocessors) for product in _products(config, format_, variants=variants)),
    ]
    if format_ is Q8_0:
        launches.append(dequantise_launch(1))
    vector, rows = vector_form(format_), rows_form(format_)
    for out in dict.fromkeys((vector, rows, SINGLE) if variants else (rows,)):
        launches += [norm_launch(config.hidden_size, out, 1), swiglu_launch(config.intermediate_size, 1, out)]
    if variants:
        launches += [round_launch(1, out) for out in dict.fromkeys((vector, rows))]
    for out, rotates in combinations(dict.fromkeys((vector, SINGLE) if variants else (vector,)), _rotates(variants)):
        has_norm = rotates and config.has_qk_norm
        launches.append(
            decode_attention_launch(
                shape, cache_type, out, rotates=rotates, has_norm=has_norm, multiprocessors=multiprocessors
            )
        )
    for out, tokens in combinations(dict.fromkeys((rows, SINGLE) if variants else (rows,)), _MANY_TOKENS):
        launches.append(prefill_attention_launch(shape, cache_type, out.cuda_type, tokens, arch, multiprocessors))
    return tuple(dict.fromkeys(launch.source for launch in launches))


def _rotates(variants: bool) -> tuple[bool, ...]:
    return (True, False) if variants else (True,)


def _products(config: ModelConfig, format_: WeightFormat, *, variants: bool) -> Iterator[Product]:
    hidden, width, out = config.hidden_size, config.intermediate_size, vector_form(format_)
    for normed in (True, False) if variants else (True,):
        yield Product(format_, config.qkv_size, hidden, normed, Epilogue.STORE, SINGLE)
        yield Product(format_, config.vocabulary, hidden, normed, Epilogue.STORE, SINGLE)
        for form in dict.fromkeys((out, SINGLE) if variants else (out,)):
            yield Product(format_, 2 * width, hidden, normed, Epilogue.SWIGLU, form)
        for rows in (config.q_size, config.kv_size, width) if variants else ():
            yield Product(format_, rows, hidden, normed, Epilogue.STORE, SINGLE)
    yield Product(format_, hidden, config.q_size, False, Epilogue.ADD, SINGLE)
    yield Product(format_, hidden, width, False, Epilogue.ADD, SINGLE)
