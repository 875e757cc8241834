// Sums and maxima over a warp and over a block, in an order that never changes.
#pragma once

#include "common/numbers.cuh"

template <int SPAN = WARP> __device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int offset = SPAN / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(ALL_LANES, value, offset);
    return value;
}

template <int SPAN = WARP> __device__ __forceinline__ float warp_max(float value) {
#pragma unroll
    for (int offset = SPAN / 2; offset > 0; offset /= 2)
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, offset));
    return value;
}

// The sum over all threads of a block, for each of them. Every thread must call.
template <int BLOCK> __device__ __forceinline__ float block_sum(float value) {
    __shared__ float sums[BLOCK / WARP];
    value = warp_sum(value);
    if (threadIdx.x % WARP == 0) sums[threadIdx.x / WARP] = value;
    __syncthreads();
    float total = 0;
#pragma unroll
    for (int warp = 0; warp < BLOCK / WARP; ++warp) total += sums[warp];
    __syncthreads();
    return total;
}
