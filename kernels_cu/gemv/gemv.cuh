// Matrix-vector product: the skeleton that all weight formats share.
//
// Computes  y = W x  for one row of activations, W of shape (rows, COLUMNS), with what comes before and after fused:
//   INPUT_READY   x lies in memory in the form that the format wants
//   INPUT_NORMED  x is the RMS norm of `x`, a row of single precision; every block computes it for itself, while its
//                 first weights are on their way
//   STORE         out[r] = y[r]
//   ADD           out[r] += y[r]: a projection back into the residual stream
//   SWIGLU        the upper half of W's rows is the gate, the lower the up projection: out[r] = silu(gate[r]) * up[r], in
//                 the form OUT_FORM
//
// Reads every weight once, 16 bytes a thread, past L1. A warp holds ROWS rows and reads them side by side, AHEAD loads of
// each in flight; the first ones are asked for before the kernel waits for the one before it. A block goes through the
// tiles blockIdx.x, blockIdx.x + gridDim.x, ... of 8 * ROWS rows. x lies in shared memory.
//
// For any number of rows; COLUMNS is a multiple of 32 (16 bytes at least) and known when compiling.
//
// A format gives: `struct Weight` (what a thread reads at a time, of CHUNK columns), `load(values, scales, row, chunk)`,
// `struct X` with `load(shared, chunk)`, `dot(weight, x)`, and INPUT_FORM, the form of x.
#pragma once

#include "common/pdl.cuh"
#include "common/rms_norm.cuh"
#include "common/silu.cuh"

#define INPUT_READY 0
#define INPUT_NORMED 1
#define EPILOGUE_STORE 0
#define EPILOGUE_ADD 1
#define EPILOGUE_SWIGLU 2

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;

// Where x lies in shared memory: its numbers, then its scales, if it has any.
template <typename Format> __device__ __forceinline__ float* x_scales(char* shared) {
    return reinterpret_cast<float*>(shared + COLUMNS * ROW_BYTES<Format::INPUT_FORM>);
}

// Brings x to shared memory. Every thread must call; ends with a barrier.
template <typename Format>
__device__ __forceinline__ void stage_input(const void* x, const float* scales, const float* norm_weight, float epsilon,
                                            char* shared) {
    if constexpr (INPUT == INPUT_NORMED) {
        rms_norm_row<THREADS, COLUMNS, Format::INPUT_FORM>(static_cast<const float*>(x), norm_weight, epsilon, shared,
                                                           x_scales<Format>(shared));
    } else {
        constexpr int LOADS = COLUMNS * ROW_BYTES<Format::INPUT_FORM> / 16;
        for (int i = threadIdx.x; i < LOADS; i += THREADS)
            reinterpret_cast<int4*>(shared)[i] = static_cast<const int4*>(x)[i];
        if constexpr (Format::INPUT_FORM == ROW_Q8) {
            for (int i = threadIdx.x; i < COLUMNS / GROUP; i += THREADS) x_scales<Format>(shared)[i] = scales[i];
        }
    }
    __syncthreads();
}

// Which row a warp's r-th is: neighbours, or half of them gates and half of them their up projections.
template <int KIND> __device__ __forceinline__ int row_of(int first, int r, int rows) {
    if constexpr (KIND == EPILOGUE_SWIGLU) {
        const int half = rows / 2;
        const int output = min(first + r % (ROWS / 2), half - 1);
        return r < ROWS / 2 ? output : half + output;
    }
    return min(first + r, rows - 1);
}

template <int KIND>
__device__ __forceinline__ void finish_rows(const float (&sums)[ROWS], int first, int rows, void* out,
                                            float* out_scales) {
    const int lane = threadIdx.x % WARP;
    if constexpr (KIND == EPILOGUE_SWIGLU) {
        // A block's outputs are whole groups, which one thread each rounds.
        constexpr int OUTPUTS = KIND == EPILOGUE_SWIGLU ? WARPS * ROWS / 2 : GROUP;
        static_assert(OUTPUTS % GROUP == 0, "a block writes whole groups");
        __shared__ float outputs[OUTPUTS];
        const int warp = threadIdx.x / WARP;
        if (lane == 0) {
#pragma unroll
            for (int r = 0; r < ROWS / 2; ++r)
                outputs[warp * (ROWS / 2) + r] = silu(sums[r]) * sums[r + ROWS / 2];
        }
        __syncthreads();
        const int first_group = (first - warp * (ROWS / 2)) / GROUP;
        if (threadIdx.x < OUTPUTS / GROUP && (first_group + int(threadIdx.x)) * GROUP < rows / 2) {
            float values[GROUP];
#pragma unroll
            for (int i = 0; i < GROUP; ++i) values[i] = outputs[threadIdx.x * GROUP + i];
            store_group<OUT_FORM>(out, out_scales, first_group + threadIdx.x, values);
        }
        __syncthreads();
    } else {
        float* target = static_cast<float*>(out);
#pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            if (lane == r && first + r < rows) {
                if constexpr (KIND == EPILOGUE_ADD)
                    target[first + r] += sums[r];
                else
                    target[first + r] = sums[r];
            }
        }
    }
}

template <typename Format>
__device__ __forceinline__ void gemv(const void* values, const void* scales, const void* x, const float* scales_of_x,
                                     const float* norm_weight, float epsilon, void* out, float* out_scales, int rows) {
    extern __shared__ __align__(16) char shared[];
    constexpr int CHUNKS = COLUMNS / Format::CHUNK;
    constexpr int PER_LANE = (CHUNKS + WARP - 1) / WARP;
    constexpr int IN_FLIGHT = AHEAD < PER_LANE ? AHEAD : PER_LANE;
    // Longer rows than this are read in a loop: unrolled, they would outgrow the instruction cache.
    constexpr int ROUNDS_UNROLLED = PER_LANE <= 32 ? PER_LANE : 1;
    constexpr int OUTPUTS_PER_WARP = EPILOGUE == EPILOGUE_SWIGLU ? ROWS / 2 : ROWS;
    constexpr int OUTPUTS_PER_TILE = OUTPUTS_PER_WARP * WARPS;
    const int lane = threadIdx.x % WARP;
    const int outputs = EPILOGUE == EPILOGUE_SWIGLU ? rows / 2 : rows;
    bool staged = false;

    for (int tile = blockIdx.x; tile * OUTPUTS_PER_TILE < outputs; tile += gridDim.x) {
        const int first = tile * OUTPUTS_PER_TILE + (threadIdx.x / WARP) * OUTPUTS_PER_WARP;
        int row[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; ++r) row[r] = row_of<EPILOGUE>(first, r, rows);

        typename Format::Weight weights[IN_FLIGHT][ROWS];
#pragma unroll
        for (int i = 0; i < IN_FLIGHT; ++i) {
            const int chunk = min(lane + i * WARP, CHUNKS - 1);
#pragma unroll
            for (int r = 0; r < ROWS; ++r) weights[i][r] = Format::load(values, scales, row[r], chunk);
        }
        if (!staged) {
            pdl_launch_dependents();
            pdl_wait();
            stage_input<Format>(x, scales_of_x, norm_weight, epsilon, shared);
            staged = true;
        }

        float sums[ROWS] = {};
#pragma unroll ROUNDS_UNROLLED
        for (int round = 0; round < PER_LANE; round += IN_FLIGHT) {
#pragma unroll
            for (int i = 0; i < IN_FLIGHT; ++i) {
                const int chunk = lane + (round + i) * WARP;
                if (chunk < CHUNKS) {
                    const typename Format::X part = Format::X::load(shared, chunk);
#pragma unroll
                    for (int r = 0; r < ROWS; ++r) sums[r] += Format::dot(weights[i][r], part);
                }
                if (round + i + IN_FLIGHT < PER_LANE) {
                    const int next = min(chunk + IN_FLIGHT * WARP, CHUNKS - 1);
#pragma unroll
                    for (int r = 0; r < ROWS; ++r) weights[i][r] = Format::load(values, scales, row[r], next);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; ++r) sums[r] = warp_sum(sums[r]);
        finish_rows<EPILOGUE>(sums, first, rows, out, out_scales);
    }
}
