// 16-bit and 8-bit numbers, and how they travel: 16 bytes at a time.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;
// So many neighbours of a vector share a scale where a product wants it in bytes; also what one thread handles of a row.
constexpr int GROUP = 16;

template <typename T> __device__ __forceinline__ float to_float(T value);
template <> __device__ __forceinline__ float to_float(float value) { return value; }
template <> __device__ __forceinline__ float to_float(__half value) { return __half2float(value); }
template <> __device__ __forceinline__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T> __device__ __forceinline__ T from_float(float value);
template <> __device__ __forceinline__ float from_float(float value) { return value; }
template <> __device__ __forceinline__ __half from_float(float value) { return __float2half_rn(value); }
template <> __device__ __forceinline__ __nv_bfloat16 from_float(float value) { return __float2bfloat16_rn(value); }

// 16 bytes that are read once: they need no place in L1, and L2 may fetch their neighbours.
__device__ __forceinline__ int4 load_streaming(const void* address) {
    int4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(address));
    return v;
}

// The numbers in 16 bytes.
template <typename T> __device__ __forceinline__ void unpack(const int4& raw, float (&out)[16 / sizeof(T)]) {
    const T* values = reinterpret_cast<const T*>(&raw);
#pragma unroll
    for (int i = 0; i < 16 / int(sizeof(T)); ++i) out[i] = to_float<T>(values[i]);
}

template <typename T> __device__ __forceinline__ int4 pack(const float (&values)[16 / sizeof(T)]) {
    int4 raw;
    T* out = reinterpret_cast<T*>(&raw);
#pragma unroll
    for (int i = 0; i < 16 / int(sizeof(T)); ++i) out[i] = from_float<T>(values[i]);
    return raw;
}
