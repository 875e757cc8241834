// Matrix-vector product with Q8_0 weights: bytes, 32 of which share a half-precision scale.
//
// Reads `values` (rows, COLUMNS) bytes and `scales` (rows, COLUMNS / 32) halves, streaming: 1.0625 bytes a weight. x is
// bytes with a scale for each 16, so that what a thread reads at a time is four dp4a and one multiplication by both
// scales. For decode: one row of activations. See gemv.cuh for what is fused.
#include "gemv/gemv.cuh"

struct Q8_0 {
    static constexpr int CHUNK = 16;
    static constexpr int BLOCK = 32;
    static constexpr int INPUT_FORM = ROW_Q8;

    struct Weight {
        int4 bytes;
        __half scale;
    };

    static __device__ __forceinline__ Weight load(const void* values, const void* scales, int row, int chunk) {
        const char* bytes = static_cast<const char*>(values) + size_t(row) * COLUMNS + chunk * CHUNK;
        const __half* scale = static_cast<const __half*>(scales) + size_t(row) * (COLUMNS / BLOCK) + chunk / 2;
        return {load_streaming(bytes), __ldg(scale)};
    }

    struct X {
        int4 bytes;
        float scale;

        static __device__ __forceinline__ X load(char* shared, int chunk) {
            return {reinterpret_cast<const int4*>(shared)[chunk], x_scales<Q8_0>(shared)[chunk]};
        }
    };

    static __device__ __forceinline__ float dot(const Weight& weight, const X& x) {
        int sum = __dp4a(weight.bytes.x, x.bytes.x, 0);
        sum = __dp4a(weight.bytes.y, x.bytes.y, sum);
        sum = __dp4a(weight.bytes.z, x.bytes.z, sum);
        sum = __dp4a(weight.bytes.w, x.bytes.w, sum);
        return float(sum) * (__half2float(weight.scale) * x.scale);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
gemv_q8_0(const void* values, const void* scales, const void* x, const float* scales_of_x, const float* norm_weight,
          float epsilon, void* out, float* out_scales, int rows) {
    gemv<Q8_0>(values, scales, x, scales_of_x, norm_weight, epsilon, out, out_scales, rows);
}
