// Root-mean-square norm of rows of the residual stream (Zhang and Sennrich, 2019).
//
// Reads `hidden` (rows, COLUMNS) and `weight` (COLUMNS) in single precision; writes rows in the form OUT_FORM, with a
// scale for each 16 numbers in ROW_Q8. One block a row, which it keeps in registers: each number is read once.
// For prefill, and for decode where the norm is not fused into the product behind it. COLUMNS is a multiple of 16.
#include "common/pdl.cuh"
#include "common/rms_norm.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
rms_norm(const float* hidden, const float* weight, float epsilon, void* out, float* out_scales) {
    pdl_launch_dependents();
    pdl_wait();
    const size_t row = blockIdx.x;
    rms_norm_row<THREADS, COLUMNS, OUT_FORM>(hidden + row * COLUMNS, weight, epsilon,
                                             static_cast<char*>(out) + row * COLUMNS * ROW_BYTES<OUT_FORM>,
                                             out_scales + row * (COLUMNS / GROUP));
}
