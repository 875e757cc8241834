// What greedy and random choice share: how candidates compare, and how a step ends.
#pragma once

#include "common/numbers.cuh"

// Bits that compare, as unsigned numbers, as the floats they are made of; what is no number comes last.
__device__ __forceinline__ unsigned ordered(float value) {
    if (isnan(value)) return 0;
    const unsigned bits = __float_as_uint(value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// A token with its logit; of two the larger is the likelier, of equals the earlier.
__device__ __forceinline__ unsigned long long candidate(float logit, int token) {
    return static_cast<unsigned long long>(ordered(logit)) << 32 | (0xffffffffu - static_cast<unsigned>(token));
}

__device__ __forceinline__ int token_of(unsigned long long candidate) {
    return static_cast<int>(0xffffffffu - static_cast<unsigned>(candidate));
}

// The best candidate of a block, for every thread. `shared` holds one a warp.
template <int BLOCK>
__device__ __forceinline__ unsigned long long block_best(unsigned long long mine, unsigned long long* shared) {
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) mine = max(mine, __shfl_xor_sync(ALL_LANES, mine, offset));
    __syncthreads();
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = mine;
    __syncthreads();
#pragma unroll
    for (int warp = 0; warp < BLOCK / WARP; ++warp) mine = max(mine, shared[warp]);
    return mine;
}

__device__ __forceinline__ void finish_step(int chosen, int* token, int* tokens, int* step, int* position,
                                            int read_tokens) {
    *token = chosen;
    tokens[*step] = chosen;
    *step += 1;
    *position += read_tokens;
}
