// Q8_0 weights as bfloat16, for a product on tensor cores.
//
// Reads `values` (rows, columns) bytes and `scales` (rows, columns / 32) halves, streaming; writes `out` (rows, columns),
// which the product reads next and L2 may keep: 3.0625 bytes a weight. Rows follow each other, so that all there is to
// know is how many blocks of 32 there are. Two neighbouring lanes do a block; for any shape, large ones above all.
#include "common/numbers.cuh"
#include "common/pdl.cuh"

constexpr int THREADS = 256;
constexpr int CHUNK = 16;
constexpr int BLOCK = 32;
constexpr int VALUES_PER_STORE = 8;
// Chunks that a thread asks for before it uses the first.
constexpr int AHEAD = 4;

// Four bytes as singles. A byte whose sign is turned is the last of the mantissa of 2^23 + 128 + byte: no conversion.
__device__ __forceinline__ float4 bytes_to_floats(int word) {
    const unsigned turned = unsigned(word) ^ 0x80808080u;
    constexpr unsigned TWO_TO_23 = 0x4b000000u;
    constexpr float OFFSET = 8388608.0f + 128.0f;
    return make_float4(__uint_as_float(__byte_perm(turned, TWO_TO_23, 0x7650)) - OFFSET,
                       __uint_as_float(__byte_perm(turned, TWO_TO_23, 0x7651)) - OFFSET,
                       __uint_as_float(__byte_perm(turned, TWO_TO_23, 0x7652)) - OFFSET,
                       __uint_as_float(__byte_perm(turned, TWO_TO_23, 0x7653)) - OFFSET);
}

__device__ __forceinline__ int4 scaled(int low, int high, float scale) {
    const float4 a = bytes_to_floats(low), b = bytes_to_floats(high);
    const float numbers[8] = {a.x * scale, a.y * scale, a.z * scale, a.w * scale,
                              b.x * scale, b.y * scale, b.z * scale, b.w * scale};
    return pack<__nv_bfloat16>(numbers);
}

// Lanes exchange halves of their chunks, so that a pair writes 32 neighbouring bytes at a time: whole sectors.
__device__ __forceinline__ void store_pair(int4* out, const int4& bytes, float scale, bool odd, bool inside) {
    const int low = __shfl_xor_sync(ALL_LANES, odd ? bytes.x : bytes.z, 1);
    const int high = __shfl_xor_sync(ALL_LANES, odd ? bytes.y : bytes.w, 1);
    if (!inside) return;
    out[odd] = odd ? scaled(low, high, scale) : scaled(bytes.x, bytes.y, scale);
    out[odd + 2] = odd ? scaled(bytes.z, bytes.w, scale) : scaled(low, high, scale);
}

extern "C" __global__ void __launch_bounds__(THREADS)
dequantise_q8_0(const int4* values, const __half* scales, int4* out, long long blocks) {
    pdl_launch_dependents();
    const bool odd = threadIdx.x % 2;
    const long long first = blockIdx.x * (long long)(THREADS / 2 * AHEAD) + threadIdx.x / 2;
    int4 bytes[AHEAD];
    __half scale[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; ++i) {
        const long long block = min(first + i * (THREADS / 2), blocks - 1);
        bytes[i] = load_streaming(values + block * (BLOCK / CHUNK) + odd);
        scale[i] = __ldg(scales + block);
    }
    // Weights never change, but what is written here is what the product before may still read.
    pdl_wait();
#pragma unroll
    for (int i = 0; i < AHEAD; ++i) {
        const long long block = first + i * (THREADS / 2);
        store_pair(out + block * (BLOCK / VALUES_PER_STORE), bytes[i], __half2float(scale[i]), odd, block < blocks);
    }
}
