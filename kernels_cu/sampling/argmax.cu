// The likeliest token, the first of equals, and on to the next step.
//
// Reads `logits` (count); block b writes the best of its share to `best` (gridDim.x), and the block that arrives last takes
// the best of those, writes it to `token` and to `tokens[*step]` (memory that the host may read), and adds `read_tokens`
// to `position` and 1 to `step`. `arrived` is zero before and after. For one row of any length.
#include "common/pdl.cuh"
#include "sampling/finish.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
argmax(const float* logits, int count, unsigned long long* best, int* arrived, int* token, int* tokens, int* step,
       int* position, int read_tokens) {
    __shared__ unsigned long long shared[THREADS / WARP];
    __shared__ bool is_last;
    pdl_launch_dependents();
    pdl_wait();
    unsigned long long mine = 0;
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < count; i += gridDim.x * THREADS)
        mine = max(mine, candidate(logits[i], i));
    mine = block_best<THREADS>(mine, shared);
    if (threadIdx.x == 0) {
        best[blockIdx.x] = mine;
        __threadfence();
        is_last = atomicAdd(arrived, 1) == gridDim.x - 1;
        if (is_last) *arrived = 0;
        __threadfence();
    }
    __syncthreads();
    if (!is_last) return;
    mine = 0;
    for (int i = threadIdx.x; i < gridDim.x; i += THREADS) mine = max(mine, __ldcg(best + i));
    mine = block_best<THREADS>(mine, shared);
    if (threadIdx.x == 0) finish_step(token_of(mine), token, tokens, step, position, read_tokens);
}
