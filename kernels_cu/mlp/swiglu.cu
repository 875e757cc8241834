// The gated activation: out = silu(gate) * up.
//
// Reads rows of `gate_up`, (rows, 2 * WIDTH) in single precision, the gate before the up projection; writes (rows, WIDTH)
// in the form OUT_FORM, with a scale for each 16 numbers in ROW_Q8. A thread does 16 neighbours. For prefill, and for
// decode where it is not fused into the product before it. WIDTH is a multiple of 16.
#include "common/pdl.cuh"
#include "common/rows.cuh"
#include "common/silu.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS, 4)
swiglu(const float* gate_up, void* out, float* out_scales, int rows) {
    pdl_launch_dependents();
    pdl_wait();
    constexpr int GROUPS = WIDTH / GROUP;
    const size_t index = size_t(blockIdx.x) * THREADS + threadIdx.x;
    if (index >= size_t(rows) * GROUPS) return;
    const size_t row = index / GROUPS;
    const int group = index % GROUPS;
    const float* gates = gate_up + row * (2 * WIDTH);
    float gate[GROUP], up[GROUP];
    load_group(gates, group, gate);
    load_group(gates + WIDTH, group, up);
#pragma unroll
    for (int i = 0; i < GROUP; ++i) gate[i] = silu(gate[i]) * up[i];
    store_group<OUT_FORM>(static_cast<char*>(out) + row * WIDTH * ROW_BYTES<OUT_FORM>, out_scales + row * GROUPS, group,
                          gate);
}
