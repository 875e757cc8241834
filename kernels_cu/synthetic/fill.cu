// Fills a packed matrix with seeded random weights, the same numbers that engine/weights/synthetic.py makes.
//
// Writes `values` (count) in the given FORMAT, ROW_FP32, ROW_FP16, ROW_BF16 or, for Q8_0, ROW_Q8, where the `scales`, one for 32
// bytes, are all SCALE. Each number is a hash of its place. Streams; for any count.
#include "common/pdl.cuh"
#include "common/rows.cuh"

constexpr int THREADS = 256;

__device__ __forceinline__ unsigned noise(unsigned place, unsigned seed) {
    unsigned x = place * 0x9E3779B9u + seed;
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

template <typename T> __device__ __forceinline__ void fill_plain(T* values, size_t i, unsigned bits, float spread) {
    values[i] = from_float<T>((float(bits >> 8) * 5.9604644775390625e-8f - 0.5f) * spread);
}

// `spread` is the width of the even distribution of plain numbers, or the scale of bytes.
extern "C" __global__ void __launch_bounds__(THREADS)
fill(void* values, __half* scales, float spread, unsigned seed, unsigned long long count) {
    pdl_launch_dependents();
    pdl_wait();
    for (size_t i = size_t(blockIdx.x) * THREADS + threadIdx.x; i < count; i += size_t(gridDim.x) * THREADS) {
        const unsigned bits = noise(unsigned(i), seed);
        if constexpr (FORMAT == ROW_FP32) fill_plain(static_cast<float*>(values), i, bits, spread);
        if constexpr (FORMAT == ROW_FP16) fill_plain(static_cast<__half*>(values), i, bits, spread);
        if constexpr (FORMAT == ROW_BF16) fill_plain(static_cast<__nv_bfloat16*>(values), i, bits, spread);
        if constexpr (FORMAT == ROW_Q8) {
            static_cast<signed char*>(values)[i] = static_cast<signed char>(bits >> 24);
            if (i % 32 == 0) scales[i / 32] = from_float<__half>(spread);
        }
    }
}
