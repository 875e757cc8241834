// Attention of one query row over the cache, split over the positions (flash decoding; Dao et al., 2023).
//
// Reads `qkv`, one row of (HEADS + 2 * KV_HEADS) * HEAD_DIM numbers; the caches, each (KV_HEADS, capacity, HEAD_DIM) of
// CACHE_TYPE, up to `*position`; writes HEADS * HEAD_DIM numbers in the form OUT_FORM, with a scale for each 16 in ROW_Q8.
// Where ROTATES is 1 it first norms (HAS_NORM) and rotates queries and key, and puts key and value at `*position`; else
// rope.cu has done so.
//
// Block (s, h) takes slice s of SPLITS of the positions, and the HEADS_IN_BLOCK query heads that share key head
// h / PARTS. HEAD_DIM / 8 lanes read one position, 16 bytes each; a warp reads 256 / HEAD_DIM positions side by side, UNROLL of them
// in flight, and keeps a running maximum and sum (Milakov and Gimelshein, 2018). Slices meet in `sums` (HEADS, SPLITS,
// HEAD_DIM) and `peaks` (HEADS, SPLITS, 2); the block that arrives last combines them, always in the same order.
// `arrived` (KV_HEADS * PARTS) is zero before and after. Streams the cache: for one row, any number of positions.
#include "common/pdl.cuh"
#include "common/rotary.cuh"
#include "common/rows.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
constexpr int LANES = HEAD_DIM / 8;
constexpr int PER_WARP = WARP / LANES;
constexpr int STRIDE = WARPS * PER_WARP;
constexpr int PARTS = HEADS / KV_HEADS / HEADS_IN_BLOCK;
constexpr int Q_SIZE = HEADS * HEAD_DIM;
constexpr int KV_SIZE = KV_HEADS * HEAD_DIM;
// So small that its power of two is 0, and still a number: two of them can be subtracted.
constexpr float NOTHING = -1e30f;

static_assert(WARPS >= HEADS_IN_BLOCK + 2, "a warp for each head, one for the key and one for the value");

// Some positions of some heads: their weighted values, the largest score, and the sum of weights against it.
struct Running {
    float peak[HEADS_IN_BLOCK];
    float total[HEADS_IN_BLOCK];
    float sum[HEADS_IN_BLOCK][8];
};

// Brings the block's queries to shared memory, in units of log2, and the new key and value to the cache.
__device__ __forceinline__ void prepare(const float* qkv, const float* q_norm, const float* k_norm, float epsilon,
                                        const float* frequencies, int place, bool owns_place, int first_head,
                                        int kv_head, CACHE_TYPE* keys, CACHE_TYPE* values, float* queries) {
    const int warp = threadIdx.x / WARP;
    const float factor = 1.44269504088896f * rsqrtf(float(HEAD_DIM));
    Head<HEAD_DIM> head;
    if (warp < HEADS_IN_BLOCK) {
        head.load(qkv + (first_head + warp) * HEAD_DIM);
        if (ROTATES && HAS_NORM) head.norm(q_norm, epsilon);
        if (ROTATES) head.rotate(frequencies, place);
        head.store(queries + warp * HEAD_DIM, factor);
    } else if (ROTATES && owns_place && warp == HEADS_IN_BLOCK) {
        head.load(qkv + Q_SIZE + kv_head * HEAD_DIM);
        if (HAS_NORM) head.norm(k_norm, epsilon);
        head.rotate(frequencies, place);
        head.store(keys + size_t(place) * HEAD_DIM);
    } else if (ROTATES && owns_place && warp == HEADS_IN_BLOCK + 1) {
        head.load(qkv + Q_SIZE + KV_SIZE + kv_head * HEAD_DIM);
        head.store(values + size_t(place) * HEAD_DIM);
    }
    __syncthreads();
}

__device__ __forceinline__ void attend_slice(const CACHE_TYPE* keys, const CACHE_TYPE* values, const float* queries,
                                             int begin, int end, Running& running) {
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const int part = lane % LANES, place = lane / LANES;
    float query[HEADS_IN_BLOCK][8];
#pragma unroll
    for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
        running.peak[h] = NOTHING;
        running.total[h] = 0;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            query[h][i] = queries[h * HEAD_DIM + part * 8 + i];
            running.sum[h][i] = 0;
        }
    }
    for (int start = begin + warp * PER_WARP; start < end; start += STRIDE * UNROLL) {
        int4 key[UNROLL], value[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; ++u) {
            const size_t row = min(start + u * STRIDE + place, end - 1);
            key[u] = reinterpret_cast<const int4*>(keys + row * HEAD_DIM)[part];
            value[u] = reinterpret_cast<const int4*>(values + row * HEAD_DIM)[part];
        }
        float score[UNROLL][HEADS_IN_BLOCK];
#pragma unroll
        for (int u = 0; u < UNROLL; ++u) {
            float numbers[8];
            unpack<CACHE_TYPE>(key[u], numbers);
            const bool is_there = start + u * STRIDE + place < end;
#pragma unroll
            for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
                float dot = 0;
#pragma unroll
                for (int i = 0; i < 8; ++i) dot = fmaf(query[h][i], numbers[i], dot);
                dot = warp_sum<LANES>(dot);
                score[u][h] = is_there ? dot : NOTHING;
            }
        }
#pragma unroll
        for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
            float peak = running.peak[h];
#pragma unroll
            for (int u = 0; u < UNROLL; ++u) peak = fmaxf(peak, score[u][h]);
            const float shrink = exp2f(running.peak[h] - peak);
            running.peak[h] = peak;
            running.total[h] *= shrink;
#pragma unroll
            for (int i = 0; i < 8; ++i) running.sum[h][i] *= shrink;
#pragma unroll
            for (int u = 0; u < UNROLL; ++u) {
                score[u][h] = score[u][h] == NOTHING ? 0.0f : exp2f(score[u][h] - peak);
                running.total[h] += score[u][h];
            }
        }
#pragma unroll
        for (int u = 0; u < UNROLL; ++u) {
            float numbers[8];
            unpack<CACHE_TYPE>(value[u], numbers);
#pragma unroll
            for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
#pragma unroll
                for (int i = 0; i < 8; ++i) running.sum[h][i] = fmaf(score[u][h], numbers[i], running.sum[h][i]);
            }
        }
    }
}

// Joins what the lanes of a warp found at different positions.
__device__ __forceinline__ void join_lanes(Running& running) {
#pragma unroll
    for (int offset = LANES; offset < WARP; offset *= 2) {
#pragma unroll
        for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
            const float other = __shfl_xor_sync(ALL_LANES, running.peak[h], offset);
            const float peak = fmaxf(running.peak[h], other);
            const float mine = exp2f(running.peak[h] - peak), theirs = exp2f(other - peak);
            running.peak[h] = peak;
            running.total[h] =
                running.total[h] * mine + __shfl_xor_sync(ALL_LANES, running.total[h], offset) * theirs;
#pragma unroll
            for (int i = 0; i < 8; ++i)
                running.sum[h][i] =
                    running.sum[h][i] * mine + __shfl_xor_sync(ALL_LANES, running.sum[h][i], offset) * theirs;
        }
    }
}

// Joins what the warps of a block found, and writes it for the block that combines all slices.
__device__ __forceinline__ void join_warps(const Running& running, int first_head, float* sums, float2* peaks) {
    __shared__ float warp_sums[WARPS][HEADS_IN_BLOCK][HEAD_DIM];
    __shared__ float warp_peaks[WARPS][HEADS_IN_BLOCK], warp_totals[WARPS][HEADS_IN_BLOCK];
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (lane < LANES) {
#pragma unroll
        for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
#pragma unroll
            for (int i = 0; i < 8; ++i) warp_sums[warp][h][lane * 8 + i] = running.sum[h][i];
            if (lane == 0) warp_peaks[warp][h] = running.peak[h], warp_totals[warp][h] = running.total[h];
        }
    }
    __syncthreads();
    for (int index = threadIdx.x; index < HEADS_IN_BLOCK * HEAD_DIM; index += THREADS) {
        const int h = index / HEAD_DIM, i = index % HEAD_DIM;
        float peak = NOTHING, total = 0, sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; ++w) peak = fmaxf(peak, warp_peaks[w][h]);
#pragma unroll
        for (int w = 0; w < WARPS; ++w) {
            const float share = exp2f(warp_peaks[w][h] - peak);
            total += share * warp_totals[w][h];
            sum += share * warp_sums[w][h][i];
        }
        const size_t slice = size_t(first_head + h) * SPLITS + blockIdx.x;
        sums[slice * HEAD_DIM + i] = sum;
        if (i == 0) peaks[slice] = make_float2(peak, total);
    }
}

// Whether this block is the last of its heads to get here; all that the others wrote is then visible.
__device__ __forceinline__ bool arrives_last(int* arrived) {
    __shared__ bool is_last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        is_last = atomicAdd(arrived, 1) == SPLITS - 1;
        if (is_last) *arrived = 0;
    }
    __syncthreads();
    __threadfence();
    return is_last;
}

// Combines the slices of the block's heads, and writes them as the output projection reads them.
__device__ __forceinline__ void combine(int first_head, const float* sums, const float2* peaks, void* out,
                                        float* out_scales) {
    __shared__ float shares[HEADS_IN_BLOCK][SPLITS];
    __shared__ __align__(16) float attended[HEADS_IN_BLOCK * HEAD_DIM];
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (warp < HEADS_IN_BLOCK) {
        const float2* slices = peaks + size_t(first_head + warp) * SPLITS;
        float peak = NOTHING, total = 0;
        for (int s = lane; s < SPLITS; s += WARP) peak = fmaxf(peak, __ldcg(slices + s).x);
        peak = warp_max(peak);
        for (int s = lane; s < SPLITS; s += WARP) {
            const float2 slice = __ldcg(slices + s);
            shares[warp][s] = exp2f(slice.x - peak);
            total += shares[warp][s] * slice.y;
        }
        total = warp_sum(total);
        for (int s = lane; s < SPLITS; s += WARP) shares[warp][s] /= total;
    }
    __syncthreads();
    for (int index = threadIdx.x; index < HEADS_IN_BLOCK * HEAD_DIM; index += THREADS) {
        const int h = index / HEAD_DIM, i = index % HEAD_DIM;
        const float* slices = sums + size_t(first_head + h) * SPLITS * HEAD_DIM + i;
        float sum = 0;
#pragma unroll 8
        for (int s = 0; s < SPLITS; ++s) sum = fmaf(shares[h][s], __ldcg(slices + s * HEAD_DIM), sum);
        attended[index] = sum;
    }
    __syncthreads();
    const int first_group = first_head * HEAD_DIM / GROUP;
    for (int group = threadIdx.x; group < HEADS_IN_BLOCK * HEAD_DIM / GROUP; group += THREADS) {
        float numbers[GROUP];
        load_group(attended, group, numbers);
        store_group<OUT_FORM>(out, out_scales, first_group + group, numbers);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
decode_attention(const float* qkv, const float* q_norm, const float* k_norm, float epsilon, const float* frequencies,
                 const int* position, CACHE_TYPE* keys, CACHE_TYPE* values, int capacity, float* sums, float2* peaks,
                 int* arrived, void* out, float* out_scales) {
    __shared__ __align__(16) float queries[HEADS_IN_BLOCK * HEAD_DIM];
    pdl_launch_dependents();
    pdl_wait();
    const int kv_head = blockIdx.y / PARTS;
    const int first_head = blockIdx.y * HEADS_IN_BLOCK;
    const int place = *position, length = place + 1;
    const int slice = (length + SPLITS - 1) / SPLITS;
    const int begin = blockIdx.x * slice, end = min(begin + slice, length);
    keys += size_t(kv_head) * capacity * HEAD_DIM;
    values += size_t(kv_head) * capacity * HEAD_DIM;

    const bool owns_place = begin <= place && place < end;
    prepare(qkv, q_norm, k_norm, epsilon, frequencies, place, owns_place, first_head, kv_head, keys, values, queries);
    Running running;
    attend_slice(keys, values, queries, begin, end, running);
    join_lanes(running);
    join_warps(running, first_head, sums, peaks);
    if (arrives_last(arrived + blockIdx.y)) combine(first_head, sums, peaks, out, out_scales);
}
