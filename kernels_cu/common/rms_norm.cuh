// Root-mean-square norm of one row by one block, with the row in registers.
#pragma once

#include "common/reduce.cuh"
#include "common/rows.cuh"

// Writes a norm's row of SIZE numbers in the given form. The same threads make the same sum in the same order wherever
// this is called from, so that a fused norm and one on its own agree bit by bit. Every thread of the block must call.
template <int BLOCK, int SIZE, int FORM>
__device__ __forceinline__ void rms_norm_row(const float* hidden, const float* weight, float epsilon, void* out,
                                             float* out_scales) {
    static_assert(SIZE % GROUP == 0, "a row is whole groups");
    constexpr int GROUPS = SIZE / GROUP;
    constexpr int PER_THREAD = (GROUPS + BLOCK - 1) / BLOCK;
    float values[PER_THREAD][GROUP];
    float squares = 0;
#pragma unroll
    for (int i = 0; i < PER_THREAD; ++i) {
        const int group = threadIdx.x + i * BLOCK;
        if (group < GROUPS) {
            load_group(hidden, group, values[i]);
#pragma unroll
            for (int j = 0; j < GROUP; ++j) squares = fmaf(values[i][j], values[i][j], squares);
        }
    }
    const float inverse = 1.0f / sqrtf(block_sum<BLOCK>(squares) / SIZE + epsilon);
#pragma unroll
    for (int i = 0; i < PER_THREAD; ++i) {
        const int group = threadIdx.x + i * BLOCK;
        if (group < GROUPS) {
            float weights[GROUP];
            load_group(weight, group, weights);
#pragma unroll
            for (int j = 0; j < GROUP; ++j) values[i][j] = values[i][j] * inverse * weights[j];
            store_group<FORM>(out, out_scales, group, values[i]);
        }
    }
}
