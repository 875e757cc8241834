// Rounds activations of single precision to the form that a product reads.
//
// Reads `count` numbers, writes them in the form OUT_FORM, with a scale for each 16 in ROW_Q8. A thread does 16
// neighbours. What the engine otherwise fuses into whatever makes the numbers; `count` is a multiple of 16.
#include "common/pdl.cuh"
#include "common/rows.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
round_groups(const float* values, void* out, float* out_scales, int count) {
    pdl_launch_dependents();
    pdl_wait();
    const int group = blockIdx.x * THREADS + threadIdx.x;
    if (group >= count / GROUP) return;
    float part[GROUP];
    load_group(values, group, part);
    store_group<OUT_FORM>(out, out_scales, group, part);
}
