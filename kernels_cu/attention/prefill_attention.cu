// Causal attention of many rows at a time over the KV cache, on tensor cores.
//
// Computes, of each head and row, softmax(q kT / sqrt(HEAD_DIM)) v over all that the cache holds up to the row's own
// place, in one pass over tiles of keys with a running maximum and sum (Milakov and Gimelshein, 2018; Dao,
// FlashAttention-2, 2023). Rows of a prompt come in chunks: the first of these `tokens` stands at `*position`.
//
// Reads of `qkv` (tokens, (heads + 2 * kv_heads) * HEAD_DIM), single precision, the queries, already normed and rotated,
// and rounds them to CACHE_TYPE; of `keys` and `values`, each (kv_heads, capacity, HEAD_DIM) of CACHE_TYPE, the first
// `*position + tokens` places of each head, streaming them through shared memory with cp.async, one tile ahead of the
// arithmetic. heads / kv_heads query heads share a key head. Writes `out` (tokens, heads * HEAD_DIM) of OUT_TYPE.
//
// A block does BLOCK_ROWS rows of one head, a warp BLOCK_ROWS / WARPS of them, BLOCK_KEYS keys at a time. The grid is
// (heads, row tiles), the longest tiles first. For prefill: any number of tokens, HEAD_DIM of 16 to 256.
#include "common/async_copy.cuh"
#include "common/mma.cuh"
#include "common/pdl.cuh"

constexpr int THREADS = WARPS * WARP;
constexpr int WARP_ROWS = BLOCK_ROWS / WARPS;
// Tiles of the tensor cores' own size, by what they divide.
constexpr int ROW_TILES = WARP_ROWS / 16;
constexpr int KEY_TILES = BLOCK_KEYS / 8;
constexpr int DIM_TILES = HEAD_DIM / 8;
static_assert(WARP_ROWS % 16 == 0 && BLOCK_KEYS % 16 == 0 && HEAD_DIM % 16 == 0, "tensor cores work on such tiles");

using Numbers = Tile<HEAD_DIM>;
constexpr int QUERY_BYTES = BLOCK_ROWS * HEAD_DIM * sizeof(CACHE_TYPE);
constexpr int KEY_BYTES = BLOCK_KEYS * HEAD_DIM * sizeof(CACHE_TYPE);
constexpr int STAGE_BYTES = 2 * KEY_BYTES;

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// 2 to the power of x; 0 for minus infinity.
__device__ __forceinline__ float power_of_two(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Over the four lanes that hold a row.
__device__ __forceinline__ float row_max(float value) {
    value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 1));
    return fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 2));
}

__device__ __forceinline__ float row_sum(float value) {
    value += __shfl_xor_sync(ALL_LANES, value, 1);
    return value + __shfl_xor_sync(ALL_LANES, value, 2);
}

// Threads move 16 bytes at a time: the chunk of a row that is theirs, of as many rows at once as there are threads for.
constexpr int ROWS_AT_ONCE = THREADS / Numbers::CHUNKS;
static_assert(THREADS % Numbers::CHUNKS == 0 && BLOCK_ROWS % ROWS_AT_ONCE == 0 && BLOCK_KEYS % ROWS_AT_ONCE == 0,
              "every thread moves as much");

// Rounds the block's queries into shared memory; rows past the end are zeros.
__device__ __forceinline__ void load_queries(char* target, const float* queries, size_t stride, int rows) {
    const int chunk = threadIdx.x % Numbers::CHUNKS;
#pragma unroll 4
    for (int i = 0; i < BLOCK_ROWS / ROWS_AT_ONCE; ++i) {
        const int row = threadIdx.x / Numbers::CHUNKS + i * ROWS_AT_ONCE;
        int4 rounded = make_int4(0, 0, 0, 0);
        if (row < rows) {
            const float4* source = reinterpret_cast<const float4*>(queries + row * stride) + 2 * chunk;
            const float4 a = source[0], b = source[1];
            const float numbers[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
            rounded = pack<CACHE_TYPE>(numbers);
        }
        *reinterpret_cast<int4*>(target + Numbers::offset(row, chunk)) = rounded;
    }
}

// Asks for a tile of keys and the same of values; places past the end are zeros and are not read.
__device__ __forceinline__ void copy_tile(unsigned target, const CACHE_TYPE* keys, const CACHE_TYPE* values, int first,
                                          int end) {
    const int row = threadIdx.x / Numbers::CHUNKS, chunk = threadIdx.x % Numbers::CHUNKS;
    const size_t source = size_t(first + row) * HEAD_DIM + chunk * 8;
#pragma unroll
    for (int i = 0; i < BLOCK_KEYS; i += ROWS_AT_ONCE) {
        const bool past = first + row + i >= end;
        const unsigned place = target + Numbers::offset(row + i, chunk);
        copy_16_bytes(place, keys + source + i * HEAD_DIM, past);
        copy_16_bytes(place + KEY_BYTES, values + source + i * HEAD_DIM, past);
    }
    end_copy_group();
}

// What a warp keeps of its rows between tiles. Lane (g, t) has rows g and g + 8 of each row tile.
struct Rows {
    float out[ROW_TILES][DIM_TILES][4];
    float largest[ROW_TILES][2];
    float sum[ROW_TILES][2];
};

using Scores = float[ROW_TILES][KEY_TILES][4];
// Rounded in pairs of neighbours, of row g and of row g + 8.
using Weights = unsigned[ROW_TILES][KEY_TILES][2];

__device__ __forceinline__ void multiply_keys(Scores& scores, unsigned queries, unsigned keys) {
    const int lane = threadIdx.x % WARP;
    queries += Numbers::offset(lane % 16, lane / 16);
    keys += Numbers::offset(lane / 16 * 8 + lane % 8, lane / 8 % 2);
#pragma unroll
    for (int step = 0; step < HEAD_DIM / 16; ++step) {
        unsigned a[ROW_TILES][4];
#pragma unroll
        for (int i = 0; i < ROW_TILES; ++i)
            load_matrices(a[i], (queries ^ 32 * step) + 16 * i * Numbers::ROW_BYTES);
#pragma unroll
        for (int pair = 0; pair < KEY_TILES / 2; ++pair) {
            unsigned b[4];
            load_matrices(b, (keys ^ 32 * step) + 16 * pair * Numbers::ROW_BYTES);
#pragma unroll
            for (int i = 0; i < ROW_TILES; ++i) {
                multiply_add(scores[i][2 * pair], a[i], b[0], b[1], CACHE_TYPE());
                multiply_add(scores[i][2 * pair + 1], a[i], b[2], b[3], CACHE_TYPE());
            }
        }
    }
}

// A row sees the keys up to its own place. `first` is that of the warp's first row, from the tile's first key.
__device__ __forceinline__ void hide_later_keys(Scores& scores, int first) {
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int i = 0; i < ROW_TILES; ++i) {
#pragma unroll
        for (int j = 0; j < KEY_TILES; ++j) {
#pragma unroll
            for (int k = 0; k < 4; ++k) {
                const int row = 16 * i + lane / 4 + k / 2 * 8, key = 8 * j + lane % 4 * 2 + k % 2;
                if (key > first + row) scores[i][j][k] = minus_infinity();
            }
        }
    }
}

// Turns scores into weights against the largest score so far, and brings what was summed before to the same measure,
// which after the first tiles is mostly the one it has. Every row sees the very first key, so that its largest score is
// a number from the first tile on.
__device__ __forceinline__ void weigh(const Scores& scores, Weights& weights, Rows& rows, float scale) {
    float factors[ROW_TILES][2];
    bool same = true;
#pragma unroll
    for (int i = 0; i < ROW_TILES; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float largest = rows.largest[i][half];
#pragma unroll
            for (int j = 0; j < KEY_TILES; ++j)
                largest = fmaxf(largest, fmaxf(scores[i][j][2 * half], scores[i][j][2 * half + 1]));
            largest = row_max(largest);
            factors[i][half] = power_of_two((rows.largest[i][half] - largest) * scale);
            same &= factors[i][half] == 1.0f;
            rows.largest[i][half] = largest;
            const float offset = largest * scale;
            float sum = 0;
#pragma unroll
            for (int j = 0; j < KEY_TILES; ++j) {
                const float first = power_of_two(fmaf(scores[i][j][2 * half], scale, -offset));
                const float second = power_of_two(fmaf(scores[i][j][2 * half + 1], scale, -offset));
                sum += first + second;
                weights[i][j][half] = pack_pair<CACHE_TYPE>(first, second);
            }
            rows.sum[i][half] = fmaf(rows.sum[i][half], factors[i][half], sum);
        }
    }
    if (__all_sync(ALL_LANES, same)) return;
#pragma unroll
    for (int i = 0; i < ROW_TILES; ++i) {
#pragma unroll
        for (int j = 0; j < DIM_TILES; ++j) {
#pragma unroll
            for (int k = 0; k < 4; ++k) rows.out[i][j][k] *= factors[i][k / 2];
        }
    }
}

__device__ __forceinline__ void multiply_values(Rows& rows, const Weights& weights, unsigned values) {
    const int lane = threadIdx.x % WARP;
    values += Numbers::offset(lane % 16, lane / 16);
#pragma unroll
    for (int step = 0; step < BLOCK_KEYS / 16; ++step) {
#pragma unroll
        for (int pair = 0; pair < DIM_TILES / 2; ++pair) {
            unsigned b[4];
            load_transposed_matrices(b, (values ^ 32 * pair) + 16 * step * Numbers::ROW_BYTES);
#pragma unroll
            for (int i = 0; i < ROW_TILES; ++i) {
                const unsigned(&first)[2] = weights[i][2 * step], (&second)[2] = weights[i][2 * step + 1];
                const unsigned a[4] = {first[0], first[1], second[0], second[1]};
                multiply_add(rows.out[i][2 * pair], a, b[0], b[1], CACHE_TYPE());
                multiply_add(rows.out[i][2 * pair + 1], a, b[2], b[3], CACHE_TYPE());
            }
        }
    }
}

// Numbers of 16 bits go through the warp's own part of shared memory, where its queries were, to leave 16 bytes at a
// time. `at` says where that part begins.
template <typename Out>
__device__ __forceinline__ void store_rows(const Rows& rows, char* shared, int at, Out* out, size_t stride, int count) {
    const int lane = threadIdx.x % WARP, row = lane / 4;
    at += Numbers::offset(row, 0) + lane % 4 * 4;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 2 * ROW_TILES; ++i) {
        const float inverse = 1.0f / row_sum(rows.sum[i / 2][i % 2]);
#pragma unroll
        for (int j = 0; j < DIM_TILES; ++j) {
            const float* pair = &rows.out[i / 2][j][i % 2 * 2];
            const float first = pair[0] * inverse, second = pair[1] * inverse;
            if constexpr (sizeof(Out) == 4) {
                float2* target = reinterpret_cast<float2*>(out + (row + 8 * i) * stride + 8 * j + lane % 4 * 2);
                if (row + 8 * i < count) *target = make_float2(first, second);
            } else {
                char* target = shared + (at ^ 16 * j) + 8 * i * Numbers::ROW_BYTES;
                *reinterpret_cast<unsigned*>(target) = pack_pair<Out>(first, second);
            }
        }
    }
}

template <typename Out>
__device__ __forceinline__ void flush_rows(const char* staging, Out* out, size_t stride, int count) {
    __syncwarp();
    for (int i = threadIdx.x % WARP; i < min(WARP_ROWS, count) * Numbers::CHUNKS; i += WARP) {
        const int row = i / Numbers::CHUNKS, chunk = i % Numbers::CHUNKS;
        const int4 numbers = *reinterpret_cast<const int4*>(staging + Numbers::offset(row, chunk));
        *reinterpret_cast<int4*>(out + row * stride + chunk * 8) = numbers;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM)
prefill_attention(const float* qkv, const CACHE_TYPE* keys, const CACHE_TYPE* values, const int* position,
                  OUT_TYPE* out, int tokens, int heads, int kv_heads, int capacity) {
    extern __shared__ __align__(1024) char shared[];
    pdl_launch_dependents();
    pdl_wait();

    const int head = blockIdx.x, kv_head = head / (heads / kv_heads);
    const int first_row = (gridDim.y - 1 - blockIdx.y) * BLOCK_ROWS;
    const int rows_here = min(BLOCK_ROWS, tokens - first_row);
    const int start = *position + first_row;
    const int end = min(start + rows_here, capacity);
    const int tiles = (end + BLOCK_KEYS - 1) / BLOCK_KEYS;
    keys += size_t(kv_head) * capacity * HEAD_DIM;
    values += size_t(kv_head) * capacity * HEAD_DIM;

    const unsigned queries_at = shared_address(shared), stages_at = queries_at + QUERY_BYTES;
    copy_tile(stages_at, keys, values, 0, end);
    const size_t qkv_stride = size_t(heads + 2 * kv_heads) * HEAD_DIM;
    load_queries(shared, qkv + first_row * qkv_stride + head * HEAD_DIM, qkv_stride, rows_here);

    const int warp_row = threadIdx.x / WARP * WARP_ROWS, warp_part = warp_row * Numbers::ROW_BYTES;
    const float scale = 1.4426950408889634f / sqrtf(float(HEAD_DIM));
    Rows rows;
#pragma unroll
    for (int i = 0; i < ROW_TILES; ++i) {
        rows.largest[i][0] = rows.largest[i][1] = minus_infinity();
        rows.sum[i][0] = rows.sum[i][1] = 0;
#pragma unroll
        for (int j = 0; j < DIM_TILES; ++j) {
#pragma unroll
            for (int k = 0; k < 4; ++k) rows.out[i][j][k] = 0;
        }
    }

#pragma unroll 1
    for (int tile = 0; tile < tiles; ++tile) {
        const unsigned stage = stages_at + tile % 2 * STAGE_BYTES;
        // After the barrier everyone sees this tile, and has done with the one before, whose place the next one takes.
        wait_for_copies<0>();
        __syncthreads();
        if (tile + 1 < tiles)
            copy_tile(stages_at + (tile + 1) % 2 * STAGE_BYTES, keys, values, (tile + 1) * BLOCK_KEYS, end);
        const int first_place = start + warp_row - tile * BLOCK_KEYS;
        const bool sees_nothing = first_place + WARP_ROWS <= 0, is_past_the_end = warp_row >= rows_here;
        if (sees_nothing || is_past_the_end) continue;
        Scores scores = {};
        multiply_keys(scores, queries_at + warp_part, stage);
        if (first_place < BLOCK_KEYS - 1) hide_later_keys(scores, first_place);
        Weights weights;
        weigh(scores, weights, rows, scale);
        multiply_values(rows, weights, stage + KEY_BYTES);
    }
    const size_t out_stride = size_t(heads) * HEAD_DIM;
    out += (first_row + warp_row) * out_stride + head * HEAD_DIM;
    store_rows(rows, shared, warp_part, out, out_stride, rows_here - warp_row);
    if (sizeof(OUT_TYPE) == 2) flush_rows(shared + warp_part, out, out_stride, rows_here - warp_row);
}
