// Weights that are plain numbers of one type, with x in the same type: products and sums in single precision.
#pragma once

#include "gemv/gemv.cuh"

template <typename T, int FORM> struct Plain {
    static constexpr int CHUNK = 16 / sizeof(T);
    static constexpr int INPUT_FORM = FORM;

    using Weight = int4;

    static __device__ __forceinline__ Weight load(const void* values, const void*, int row, int chunk) {
        return load_streaming(static_cast<const T*>(values) + size_t(row) * COLUMNS + chunk * CHUNK);
    }

    struct X {
        float values[CHUNK];

        static __device__ __forceinline__ X load(char* shared, int chunk) {
            X x;
            unpack<T>(reinterpret_cast<const int4*>(shared)[chunk], x.values);
            return x;
        }
    };

    static __device__ __forceinline__ float dot(const Weight& weight, const X& x) {
        float values[CHUNK];
        unpack<T>(weight, values);
        float sum = 0;
#pragma unroll
        for (int i = 0; i < CHUNK; ++i) sum = fmaf(values[i], x.values[i], sum);
        return sum;
    }
};
