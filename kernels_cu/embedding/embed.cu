// Looks up rows of the embedding: hidden[t] = table[ids[t]].
//
// Reads `ids` (tokens) and one packed row of `values` (and of `scales`, for Q8_0) for each; writes `hidden`
// (tokens, COLUMNS) in single precision. One block a token, a thread 16 neighbours. FORMAT is ROW_FP32, ROW_FP16, ROW_BF16
// for plain numbers, ROW_Q8 for Q8_0. COLUMNS is a multiple of 16 (of 32 for Q8_0). An id outside the table gives its
// nearest row, for ids come from a prompt that was checked, or from our own sampling.
#include "common/pdl.cuh"
#include "common/rows.cuh"

constexpr int THREADS = 256;

template <typename T>
__device__ __forceinline__ void read_plain(const void* table, size_t row, int group, float (&out)[GROUP]) {
    constexpr int PER_LOAD = 16 / sizeof(T);
    const int4* source = reinterpret_cast<const int4*>(static_cast<const T*>(table) + row * COLUMNS);
#pragma unroll
    for (int i = 0; i < GROUP / PER_LOAD; ++i) {
        float part[PER_LOAD];
        unpack<T>(source[group * (GROUP / PER_LOAD) + i], part);
#pragma unroll
        for (int j = 0; j < PER_LOAD; ++j) out[i * PER_LOAD + j] = part[j];
    }
}

__device__ __forceinline__ void read_q8_0(const void* values, const __half* scales, size_t row, int group,
                                          float (&out)[GROUP]) {
    const int4 raw = reinterpret_cast<const int4*>(static_cast<const char*>(values) + row * COLUMNS)[group];
    const float scale = __half2float(scales[row * (COLUMNS / 32) + group / 2]);
    const signed char* bytes = reinterpret_cast<const signed char*>(&raw);
#pragma unroll
    for (int i = 0; i < GROUP; ++i) out[i] = float(bytes[i]) * scale;
}

extern "C" __global__ void __launch_bounds__(THREADS)
embed(const int* ids, const void* values, const __half* scales, float* hidden, int rows) {
    pdl_launch_dependents();
    pdl_wait();
    const size_t row = min(max(ids[blockIdx.x], 0), rows - 1);
    float* out = hidden + size_t(blockIdx.x) * COLUMNS;
    for (int group = threadIdx.x; group < COLUMNS / GROUP; group += THREADS) {
        float part[GROUP];
        if constexpr (FORMAT == ROW_FP32) read_plain<float>(values, row, group, part);
        if constexpr (FORMAT == ROW_FP16) read_plain<__half>(values, row, group, part);
        if constexpr (FORMAT == ROW_BF16) read_plain<__nv_bfloat16>(values, row, group, part);
        if constexpr (FORMAT == ROW_Q8) read_q8_0(values, scales, row, group, part);
        store_group<ROW_FP32>(out, nullptr, group, part);
    }
}
