"""A small decode loop on CuPy, annotated as the engine does: what to record is told on the command line.

    decode_loop.py eager|graph [--steps N] [--threads] [--child] [--profiler-api] [--exit-code N]

Each step runs three layers: a product, an elementwise kernel and a copy from device to device; after each step one
number is copied to the host. With --profiler-api only steps 2 and 3 lie between cudaProfilerStart and -Stop.
"""

import argparse
import subprocess
import sys
import threading
import time

LAYERS = 3
PREFILL_ROWS, DECODE_ROWS, WIDTH, BLOCK = 64, 1, 512, 128
# CuPy lets no call of cuBLAS into a graph.
PRODUCT = f"""
extern "C" __global__ void product(const float* hidden, const float* weight, float* projected) {{
    const int row = blockIdx.x, column = blockIdx.y * blockDim.x + threadIdx.x;
    const float *left = hidden + row * {WIDTH}, *right = weight + column;
    float sum = 0;
    for (int inner = 0; inner < {WIDTH}; ++inner) sum += left[inner] * right[inner * {WIDTH}];
    projected[row * {WIDTH} + column] = sum;
}}
"""


def main() -> int:
    arguments = _parsed()
    if arguments.child:
        return subprocess.run([sys.executable, __file__, *_without_child()], check=False).returncode
    if arguments.threads:
        workers = [threading.Thread(target=_generate, args=(arguments,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    else:
        _generate(arguments)
    return int(arguments.exit_code)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("eager", "graph"))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--profiler-api", action="store_true")
    parser.add_argument("--exit-code", type=int, default=0)
    return parser.parse_args()


def _without_child() -> list[str]:
    return [argument for argument in sys.argv[1:] if argument != "--child"]


def _generate(arguments: argparse.Namespace) -> None:
    import cupy as cp
    import nvtx

    def annotated(name: str, category: str | None = None, payload: int | None = None) -> nvtx.annotate:
        return nvtx.annotate(name, domain="engine", category=category, payload=payload)

    with cp.cuda.Stream(non_blocking=True) as stream:
        with annotated("load"):
            weights = [cp.random.rand(WIDTH, WIDTH, dtype=cp.float32) / WIDTH for _ in range(LAYERS)]
        product = cp.RawKernel(PRODUCT, "product")
        scale = cp.ElementwiseKernel("float32 x", "float32 y", "y = x / (1 + abs(x))", "squash")
        buffers = {
            rows: [cp.zeros((rows, WIDTH), cp.float32) for _ in range(3)] for rows in (PREFILL_ROWS, DECODE_ROWS)
        }

        def forward(rows: int) -> None:
            hidden, projected, kept = buffers[rows]
            for layer, weight in enumerate(weights):
                with annotated("gate_up_proj", "mlp", layer):
                    product((rows, WIDTH // BLOCK), (BLOCK,), (hidden, weight, projected))
                with annotated("activation", "mlp", layer):
                    scale(projected, hidden)
                with annotated("cache_write", "attention", layer):
                    kept[...] = hidden

        with annotated("warmup"):
            forward(PREFILL_ROWS)
            forward(DECODE_ROWS)
            stream.synchronize()
        graph = None
        if arguments.mode == "graph":
            stream.begin_capture()
            forward(DECODE_ROWS)
            graph = stream.end_capture()
        with annotated("prefill"):
            forward(PREFILL_ROWS)
            stream.synchronize()
        for step in range(arguments.steps):
            if arguments.profiler_api and step == 2:
                cp.cuda.profiler.start()
            with annotated("decode", payload=step):
                if graph is None:
                    forward(DECODE_ROWS)
                else:
                    graph.launch(stream)
                buffers[DECODE_ROWS][0][0, 0].get()
            if arguments.profiler_api and step == 3:
                cp.cuda.profiler.stop()
            if arguments.steps > 100:
                time.sleep(0.02)
        stream.synchronize()


if __name__ == "__main__":
    raise SystemExit(main())
