// Query and key norm, rotation, and what the cache keeps.
//
// Reads rows of `qkv` (tokens, (HEADS + 2 * KV_HEADS) * HEAD_DIM): queries, keys, values of single precision, the first row
// standing at `*position`. Writes normed and rotated queries back in place, keys and values to the caches, each
// (KV_HEADS, capacity, HEAD_DIM) of CACHE_TYPE. `q_norm` and `k_norm` (HEAD_DIM) are read where HAS_NORM is 1.
// A warp does one head of one token. For prefill, and for decode where this is not fused into attention.
#include "common/pdl.cuh"
#include "common/rotary.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
rope(float* qkv, const float* q_norm, const float* k_norm, float epsilon, const float* frequencies, const int* position,
     CACHE_TYPE* keys, CACHE_TYPE* values, int capacity, int tokens) {
    pdl_launch_dependents();
    pdl_wait();
    constexpr int HEADS_IN_ROW = HEADS + 2 * KV_HEADS;
    const int index = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (index >= tokens * HEADS_IN_ROW) return;
    const int token = index / HEADS_IN_ROW, head = index % HEADS_IN_ROW;
    const int place = *position + token;
    float* source = qkv + size_t(index) * HEAD_DIM;
    Head<HEAD_DIM> numbers;
    numbers.load(source);
    if (head < HEADS + KV_HEADS) {
        if (HAS_NORM) numbers.norm(head < HEADS ? q_norm : k_norm, epsilon);
        Turn<HEAD_DIM> turn;
        turn.at(place, frequencies);
        numbers.rotate(turn);
    }
    if (head < HEADS) {
        numbers.store(source);
    } else {
        const int kv_head = (head - HEADS) % KV_HEADS;
        CACHE_TYPE* cache = head < HEADS + KV_HEADS ? keys : values;
        numbers.store(cache + (size_t(kv_head) * capacity + place) * HEAD_DIM);
    }
}
