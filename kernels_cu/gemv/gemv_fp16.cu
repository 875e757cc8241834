// Matrix-vector product with half-precision weights.
//
// Reads `values` (rows, COLUMNS), streaming: 2 bytes a weight; `scales` are not read. x is rounded to the same type.
// For decode: one row of activations. See gemv.cuh for what is fused.
#include "gemv/plain.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
gemv_fp16(const void* values, const void* scales, const void* x, const float* scales_of_x, const float* norm_weight,
        float epsilon, void* out, float* out_scales, int rows) {
    gemv<Plain<__half, ROW_FP16>>(values, scales, x, scales_of_x, norm_weight, epsilon, out, out_scales, rows);
}
