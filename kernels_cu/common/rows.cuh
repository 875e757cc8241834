// Rows of activations, a group of 16 numbers at a time: read in single precision, written as the next product reads them.
//
// What a product reads depends on its weights: ROW_FP32, ROW_FP16 and ROW_BF16 are the numbers themselves in that type;
// ROW_Q8 is bytes with one scale for each group (`scales`), the largest magnitude of a group becoming 127.
#pragma once

#include "common/numbers.cuh"

#define ROW_FP32 0
#define ROW_FP16 1
#define ROW_BF16 2
#define ROW_Q8 3

__device__ __forceinline__ void load_group(const float* row, int group, float (&values)[GROUP]) {
    const float4* source = reinterpret_cast<const float4*>(row) + group * (GROUP / 4);
#pragma unroll
    for (int i = 0; i < GROUP / 4; ++i) {
        float4 v = source[i];
        values[4 * i] = v.x, values[4 * i + 1] = v.y, values[4 * i + 2] = v.z, values[4 * i + 3] = v.w;
    }
}

// Rounds a group to bytes; returns its scale.
__device__ __forceinline__ float quantise_group(const float (&values)[GROUP], int4& bytes) {
    float largest = 0;
#pragma unroll
    for (int i = 0; i < GROUP; ++i) largest = fmaxf(largest, fabsf(values[i]));
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    int words[GROUP / 4];
#pragma unroll
    for (int word = 0; word < GROUP / 4; ++word) {
        int packed = 0;
#pragma unroll
        for (int i = 0; i < 4; ++i) packed |= (__float2int_rn(values[4 * word + i] * inverse) & 0xff) << (8 * i);
        words[word] = packed;
    }
    bytes = make_int4(words[0], words[1], words[2], words[3]);
    return largest / 127.0f;
}

template <typename T> __device__ __forceinline__ void store_group_as(T* row, int group, const float (&values)[GROUP]) {
    constexpr int PER_STORE = 16 / sizeof(T);
    int4* target = reinterpret_cast<int4*>(row) + group * (GROUP / PER_STORE);
#pragma unroll
    for (int i = 0; i < GROUP / PER_STORE; ++i) {
        float part[PER_STORE];
#pragma unroll
        for (int j = 0; j < PER_STORE; ++j) part[j] = values[i * PER_STORE + j];
        target[i] = pack<T>(part);
    }
}

// Writes one group of a row in the given form. `scales` is read only for ROW_Q8.
template <int FORM>
__device__ __forceinline__ void store_group(void* row, float* scales, int group, const float (&values)[GROUP]) {
    if constexpr (FORM == ROW_FP32) store_group_as(static_cast<float*>(row), group, values);
    if constexpr (FORM == ROW_FP16) store_group_as(static_cast<__half*>(row), group, values);
    if constexpr (FORM == ROW_BF16) store_group_as(static_cast<__nv_bfloat16*>(row), group, values);
    if constexpr (FORM == ROW_Q8) {
        int4 bytes;
        scales[group] = quantise_group(values, bytes);
        static_cast<int4*>(row)[group] = bytes;
    }
}

// Bytes of one number of a row in the given form.
template <int FORM> constexpr int ROW_BYTES = FORM == ROW_FP32 ? 4 : FORM == ROW_Q8 ? 1 : 2;
