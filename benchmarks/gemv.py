"""Finds the best layout of each matrix-vector product: `python -m benchmarks.gemv`. Needs a GPU.

Every product is timed as it runs in a decode step: many matrices of one shape, distinct so that no cache holds them,
one behind the other in a captured graph, with everything that is fused into them.
"""

import argparse
from collections.abc import Iterator
from itertools import product as combinations
from statistics import median
from typing import Any

import numpy as np

from engine.backends.cuda.forms import SINGLE, vector_form
from engine.backends.cuda.gemv import gemv_launch, gemv_source
from engine.backends.cuda.gemv_tunings import Epilogue, Product, Tuning
from engine.backends.cuda.gpu import Gpu
from engine.backends.cuda.memory import DeviceMemory
from engine.config import ModelConfig
from engine.formats import WeightFormat, known_format
from engine.kernels.source import KernelError
from engine.memory import Use
from engine.registry import known_model

_BYTES = 2 << 30
_REPLAYS = 15


def products(config: ModelConfig, format_: WeightFormat) -> dict[str, Product]:
    """The products of a decode step, by role."""
    hidden, out = config.hidden_size, vector_form(format_)
    return {
        "qkv_proj": Product(format_, config.qkv_size, hidden, True, Epilogue.STORE, SINGLE),
        "o_proj": Product(format_, hidden, config.q_size, False, Epilogue.ADD, SINGLE),
        "gate_up_proj": Product(format_, 2 * config.intermediate_size, hidden, True, Epilogue.SWIGLU, out),
        "down_proj": Product(format_, hidden, config.intermediate_size, False, Epilogue.ADD, SINGLE),
        "lm_head": Product(format_, config.vocabulary, hidden, True, Epilogue.STORE, SINGLE),
    }


def tunings(product: Product, *, wide: bool) -> Iterator[Tuning]:
    """Layouts worth trying."""
    rows = (4, 8) if product.epilogue is Epilogue.SWIGLU else (1, 2, 4)
    ahead = (2, 3, 4, 6, 8) if wide else (2, 4, 6)
    for each in combinations(rows, ahead, (2, 4, 16)):
        if each[0] * each[1] <= 24:
            yield Tuning(*each)


class Bench:
    """Matrices enough to keep every cache cold, and the buffers of one product."""

    def __init__(self) -> None:
        self.gpu = Gpu(overlaps=True)
        self.memory = DeviceMemory(self.gpu)
        self.weights: Any = self.memory.empty(Use.WEIGHTS, (_BYTES,), np.uint8)
        random = np.random.default_rng(0).integers(0, 60, 1 << 24, np.uint8)
        for start in range(0, _BYTES, random.size):
            self.memory.write(self.weights[start : start + random.size], random)
        self.x = self.memory.upload(Use.WORKSPACES, np.ones(1 << 20, np.float32))
        self.out: Any = self.memory.zeros(Use.WORKSPACES, (1 << 20,), np.float32)

    def time_us(self, product: Product, tuning: Tuning) -> float:
        """The median time of one product among many."""
        import cuda.core

        launch = gemv_launch(product, self.gpu.multiprocessors, tuning)
        size_bytes = product.format.size_bytes(product.rows, product.columns)
        count = max(2, min(48, _BYTES // size_bytes))

        def work() -> None:
            for i in range(count):
                values = self.weights.data.ptr + i * size_bytes // 256 * 256
                self._launch(product, launch, values)

        self._launch(product, launch, self.weights.data.ptr)
        replay = self.gpu.record(work)
        options = cuda.core.EventOptions(timing_enabled=True)
        times = []
        for _ in range(_REPLAYS):
            start = self.gpu.stream.record(options=options)
            replay()
            end = self.gpu.stream.record(options=options)
            end.sync()
            times.append((end - start) * 1e3 / count)
        return float(median(times[3:]))

    def _launch(self, product: Product, launch: Any, values: int) -> None:
        scales = values + product.rows * product.columns
        x, out = self.x.data.ptr, self.out.data.ptr
        self.gpu.launch(launch, values, scales, x, x, x, np.float32(1e-6), out, out, np.int32(product.rows))


def main() -> None:
    """Times all layouts of the chosen models' products, and prints the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--format", action="append", required=True)
    parser.add_argument("--wide", action="store_true", help="try more layouts")
    parser.add_argument("--best", type=int, default=4, metavar="N", help="print so many of each product")
    arguments = parser.parse_args()
    bench = Bench()
    for name, format_name in combinations(arguments.model, arguments.format):
        format_ = known_format(format_name)
        roles = products(known_model(name), format_)
        sources = [
            gemv_source(each, tuning) for each in roles.values() for tuning in tunings(each, wide=arguments.wide)
        ]
        bench.gpu.compile(sources, lambda _: None)
        for role, product in roles.items():
            timed = []
            for tuning in tunings(product, wide=arguments.wide):
                try:
                    timed.append((bench.time_us(product, tuning), tuning))
                except KernelError as error:
                    print(f"{tuning} does not compile: {error}")
            timed.sort(key=lambda each: each[0])
            size_bytes = format_.size_bytes(product.rows, product.columns)
            for time_us, tuning in timed[: arguments.best]:
                print(f"{name} {format_name} {role}: {time_us:.2f} us, {size_bytes / time_us / 1e3:.0f} GB/s, {tuning}")


if __name__ == "__main__":
    main()
