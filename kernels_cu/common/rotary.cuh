// Norm and rotation of one head by one warp (rotary embedding; Su et al., RoFormer, 2021).
//
// Sums of products say which of them is rounded: all kernels that use this must agree bit by bit, and left to itself the
// compiler may choose otherwise in each.
#pragma once

#include "common/reduce.cuh"

// By how much a warp's lanes turn their pairs of a head of DIM numbers at some position: lane l those of pairs l + 32 i.
//
// Angles are brought to one turn in double precision: those of late positions have hundreds of turns, and what sincosf
// does about them needs local memory.
template <int DIM> struct Turn {
    static constexpr int PAIRS = (DIM / 2 + WARP - 1) / WARP;
    float sine[PAIRS];
    float cosine[PAIRS];

    __device__ __forceinline__ void at(int position, const float* frequencies) {
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) {
            const int pair = min(int(threadIdx.x % WARP) + i * WARP, DIM / 2 - 1);
            const float angle = float(position) * frequencies[pair];
            double half_turns = double(angle) * 0.31830988618379067;
            half_turns -= 2.0 * rint(0.5 * half_turns);
            sincospif(float(half_turns), sine + i, cosine + i);
        }
    }
};

// A warp's share of a head of DIM numbers: lane l holds PAIRS pairs, the i-th of which is numbers l + 32 i and
// DIM / 2 further on. Of short heads the upper lanes hold nothing.
template <int DIM> struct Head {
    static constexpr int HALF = DIM / 2;
    static constexpr int PAIRS = (HALF + WARP - 1) / WARP;
    float first[PAIRS];
    float second[PAIRS];

    static __device__ __forceinline__ bool holds(int i) {
        return HALF % WARP == 0 || int(threadIdx.x % WARP) + i * WARP < HALF;
    }
    static __device__ __forceinline__ int index(int i) { return threadIdx.x % WARP + i * WARP; }

    __device__ __forceinline__ void load(const float* head) {
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) {
            first[i] = holds(i) ? head[index(i)] : 0.0f;
            second[i] = holds(i) ? head[index(i) + HALF] : 0.0f;
        }
    }

    __device__ __forceinline__ void norm(const float* weight, float epsilon) {
        float squares = 0;
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) squares = fmaf(second[i], second[i], fmaf(first[i], first[i], squares));
        const float inverse = 1.0f / sqrtf(warp_sum(squares) / DIM + epsilon);
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) {
            if (holds(i)) {
                first[i] *= inverse * weight[index(i)];
                second[i] *= inverse * weight[index(i) + HALF];
            }
        }
    }

    __device__ __forceinline__ void rotate(const Turn<DIM>& turn) {
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) {
            const float x = first[i], y = second[i];
            first[i] = fmaf(x, turn.cosine[i], -__fmul_rn(y, turn.sine[i]));
            second[i] = fmaf(y, turn.cosine[i], __fmul_rn(x, turn.sine[i]));
        }
    }

    template <typename T> __device__ __forceinline__ void store(T* head, float factor = 1.0f) const {
#pragma unroll
        for (int i = 0; i < PAIRS; ++i) {
            if (holds(i)) {
                head[index(i)] = from_float<T>(first[i] * factor);
                head[index(i) + HALF] = from_float<T>(second[i] * factor);
            }
        }
    }
};
