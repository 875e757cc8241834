// Attention of one query row over the cache, split over the positions (flash decoding; Dao et al., 2023).
//
// Reads `qkv`, one row of (HEADS + 2 * KV_HEADS) * HEAD_DIM numbers; the caches, each (KV_HEADS, capacity, HEAD_DIM) of
// CACHE_TYPE, up to `*position`; writes HEADS * HEAD_DIM numbers in the form OUT_FORM, with a scale for each 16 in ROW_Q8.
// Where ROTATES is 1 it first norms (HAS_NORM) and rotates queries and key, and puts key and value at `*position`; else
// rope.cu has done so.
//
// Block (s, h) takes slice s of at most SPLITS of the positions, and the HEADS_IN_BLOCK query heads that share key head
// h / PARTS. HEAD_DIM / 8 lanes read one position, 16 bytes each; a warp reads 256 / HEAD_DIM positions side by side,
// UNROLL of them in flight, and keeps a running maximum and sum (Milakov and Gimelshein, 2018). Where there is more than
// one slice they meet in `sums` (HEADS, SPLITS, HEAD_DIM) and `peaks` (HEADS, SPLITS), and the block that arrives last
// combines them, always in the same order. `arrived` (KV_HEADS * PARTS) is zero before and after.
//
// Old keys and values do not depend on the kernel before: the first of them are asked for before it has finished, for the
// position that stands there then. The step before may not have ended: then that position is an old one, and when it is read
// again, behind the wait, it differs, and what was asked for is asked for anew. Streams the cache, past L1: for one row, any number of positions.
#include "common/pdl.cuh"
#include "common/rotary.cuh"
#include "common/rows.cuh"

constexpr int WARPS = THREADS / WARP;
constexpr int LANES = HEAD_DIM / 8;
constexpr int PER_WARP = WARP / LANES;
constexpr int STRIDE = WARPS * PER_WARP;
constexpr int ROUND = STRIDE * UNROLL;
constexpr int PARTS = HEADS / KV_HEADS / HEADS_IN_BLOCK;
constexpr int Q_SIZE = HEADS * HEAD_DIM;
constexpr int KV_SIZE = KV_HEADS * HEAD_DIM;
constexpr int OUTPUTS = HEADS_IN_BLOCK * HEAD_DIM;
// So small that its power of two is 0, and still a number: two of them can be subtracted.
constexpr float NOTHING = -1e30f;

static_assert(WARPS >= HEADS_IN_BLOCK + 2, "a warp for each head, one for the key and one for the value");

// The positions of a block, from `begin` to `end`: one of `active` slices, none shorter than LEAST positions.
struct Slice {
    int active;
    int begin;
    int end;

    __device__ __forceinline__ Slice(int length) {
        const int size = max((length + SPLITS - 1) / SPLITS, LEAST);
        active = (length + size - 1) / size;
        begin = blockIdx.x * size;
        end = min(begin + size, length);
    }
};

// Keys and values of UNROLL positions, a lane's 16 bytes of each.
struct Round {
    int4 key[UNROLL];
    int4 value[UNROLL];

    // A warp's positions of a round that starts at `start`; of those past the end, the last before it.
    static __device__ __forceinline__ int position(int start, int u) {
        return start + (u * WARPS + threadIdx.x / WARP) * PER_WARP + threadIdx.x % WARP / LANES;
    }

    __device__ __forceinline__ void load(const CACHE_TYPE* keys, const CACHE_TYPE* values, int start, int end) {
        const int part = threadIdx.x % LANES;
#pragma unroll
        for (int u = 0; u < UNROLL; ++u) {
            const size_t row = max(min(position(start, u), end - 1), 0);
            key[u] = __ldcg(reinterpret_cast<const int4*>(keys + row * HEAD_DIM) + part);
            value[u] = __ldcg(reinterpret_cast<const int4*>(values + row * HEAD_DIM) + part);
        }
    }
};

// What the warps of a block prepare for each other.
struct Shared {
    __align__(16) float queries[OUTPUTS];
    __align__(16) CACHE_TYPE new_key[HEAD_DIM];
    __align__(16) CACHE_TYPE new_value[HEAD_DIM];
};

// Some positions of some heads: their weighted values, the largest score, and the sum of weights against it.
struct Running {
    float peak[HEADS_IN_BLOCK];
    float total[HEADS_IN_BLOCK];
    float sum[HEADS_IN_BLOCK][8];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
            peak[h] = NOTHING;
            total[h] = 0;
#pragma unroll
            for (int i = 0; i < 8; ++i) sum[h][i] = 0;
        }
    }
};

// Brings the block's queries, in units of log2, and the new key and value to shared memory, and these to the cache.
__device__ __forceinline__ void prepare(const float* qkv, const float* q_norm, const float* k_norm, float epsilon,
                                        const Turn<HEAD_DIM>& turn, int place, bool owns_place, int first_head,
                                        int kv_head, CACHE_TYPE* keys, CACHE_TYPE* values, Shared& shared) {
    const int warp = threadIdx.x / WARP;
    const float factor = 1.44269504088896f * rsqrtf(float(HEAD_DIM));
    Head<HEAD_DIM> head;
    if (warp < HEADS_IN_BLOCK) {
        head.load(qkv + (first_head + warp) * HEAD_DIM);
        if (ROTATES && HAS_NORM) head.norm(q_norm, epsilon);
        if (ROTATES) head.rotate(turn);
        head.store(shared.queries + warp * HEAD_DIM, factor);
    } else if (ROTATES && owns_place && warp == HEADS_IN_BLOCK) {
        head.load(qkv + Q_SIZE + kv_head * HEAD_DIM);
        if (HAS_NORM) head.norm(k_norm, epsilon);
        head.rotate(turn);
        head.store(shared.new_key);
        head.store(keys + size_t(place) * HEAD_DIM);
    } else if (ROTATES && owns_place && warp == HEADS_IN_BLOCK + 1) {
        head.load(qkv + Q_SIZE + KV_SIZE + kv_head * HEAD_DIM);
        head.store(shared.new_value);
        head.store(values + size_t(place) * HEAD_DIM);
    }
    __syncthreads();
}

// Takes a round into account.
__device__ __forceinline__ void attend_round(const Round& round, const float (&query)[HEADS_IN_BLOCK][8],
                                             const Shared& shared, int start, int end, int place, Running& running) {
    const int part = threadIdx.x % LANES;
    float score[UNROLL][HEADS_IN_BLOCK];
#pragma unroll
    for (int u = 0; u < UNROLL; ++u) {
        const int row = Round::position(start, u);
        int4 key = round.key[u];
        if (ROTATES && row == place) key = reinterpret_cast<const int4*>(shared.new_key)[part];
        float numbers[8];
        unpack<CACHE_TYPE>(key, numbers);
#pragma unroll
        for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
            float dot = 0;
#pragma unroll
            for (int i = 0; i < 8; ++i) dot = fmaf(query[h][i], numbers[i], dot);
            dot = warp_sum<LANES>(dot);
            score[u][h] = row < end ? dot : NOTHING;
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
        const int row = Round::position(start, u);
        if (row < end) {
            int4 value = round.value[u];
            if (ROTATES && row == place) value = reinterpret_cast<const int4*>(shared.new_value)[part];
            float numbers[8];
            unpack<CACHE_TYPE>(value, numbers);
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

// Joins what the warps of a block found: to `attended` if that is all there is, else to where slices meet.
__device__ __forceinline__ void join_warps(const Running& running, int first_head, bool is_all, float* attended,
                                           float* sums, float2* peaks) {
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
    for (int index = threadIdx.x; index < OUTPUTS; index += THREADS) {
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
        if (is_all) {
            attended[index] = sum / total;
        } else {
            const size_t slice = size_t(first_head + h) * SPLITS + blockIdx.x;
            sums[slice * HEAD_DIM + i] = sum;
            if (i == 0) peaks[slice] = make_float2(peak, total);
        }
    }
}

// Whether this block is the last of its heads to get here; all that the others wrote is then visible.
__device__ __forceinline__ bool arrives_last(int* arrived, int active) {
    __shared__ bool is_last;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        is_last = atomicAdd(arrived, 1) == active - 1;
        if (is_last) *arrived = 0;
        __threadfence();
    }
    __syncthreads();
    return is_last;
}

// Combines the slices of the block's heads.
__device__ __forceinline__ void join_slices(int first_head, int active, const float* sums, const float2* peaks,
                                            float* attended) {
    for (int index = threadIdx.x; index < OUTPUTS; index += THREADS) {
        const size_t first = size_t(first_head + index / HEAD_DIM) * SPLITS;
        const float2* slice_peaks = peaks + first;
        const float* slice_sums = sums + first * HEAD_DIM + index % HEAD_DIM;
        float peak = NOTHING, total = 0, sum = 0;
#pragma unroll 8
        for (int s = 0; s < active; ++s) {
            const float2 slice = __ldcg(slice_peaks + s);
            const float slice_sum = __ldcg(slice_sums + s * HEAD_DIM);
            const float higher = fmaxf(peak, slice.x);
            const float mine = exp2f(peak - higher), theirs = exp2f(slice.x - higher);
            peak = higher;
            total = total * mine + slice.y * theirs;
            sum = sum * mine + slice_sum * theirs;
        }
        attended[index] = sum / total;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS)
decode_attention(const float* qkv, const float* q_norm, const float* k_norm, float epsilon, const float* frequencies,
                 const int* position, CACHE_TYPE* keys, CACHE_TYPE* values, int capacity, float* sums, float2* peaks,
                 int* arrived, void* out, float* out_scales) {
    __shared__ Shared shared;
    __shared__ __align__(16) float attended[OUTPUTS];
    const int kv_head = blockIdx.y / PARTS;
    const int first_head = blockIdx.y * HEADS_IN_BLOCK;
    keys += size_t(kv_head) * capacity * HEAD_DIM;
    values += size_t(kv_head) * capacity * HEAD_DIM;

    const int expected_place = __ldcg(position);
    Slice slice(expected_place + 1);
    Turn<HEAD_DIM> turn;
    Round round;
    if (ROTATES) {
        round.load(keys, values, slice.begin, min(slice.end, capacity));
        turn.at(expected_place, frequencies);
    }
    pdl_launch_dependents();
    pdl_wait();
    const int place = __ldcg(position);
    // What does not rotate follows the kernel that has just put key and value into the cache.
    if (!ROTATES || place != expected_place) {
        slice = Slice(place + 1);
        round.load(keys, values, slice.begin, slice.end);
        if (ROTATES) turn.at(place, frequencies);
    }
    if (slice.begin > place) return;

    const bool owns_place = slice.begin <= place && place < slice.end;
    prepare(qkv, q_norm, k_norm, epsilon, turn, place, owns_place, first_head, kv_head, keys, values, shared);
    float query[HEADS_IN_BLOCK][8];
#pragma unroll
    for (int h = 0; h < HEADS_IN_BLOCK; ++h) {
#pragma unroll
        for (int i = 0; i < 8; ++i) query[h][i] = shared.queries[h * HEAD_DIM + threadIdx.x % LANES * 8 + i];
    }
    Running running;
    running.clear();
    for (int start = slice.begin; start < slice.end; start += ROUND) {
        Round next = round;
        if (start + ROUND < slice.end) next.load(keys, values, start + ROUND, slice.end);
        attend_round(round, query, shared, start, slice.end, place, running);
        round = next;
    }
    join_lanes(running);
    join_warps(running, first_head, slice.active == 1, attended, sums, peaks);
    if (slice.active > 1) {
        if (!arrives_last(arrived + blockIdx.y, slice.active)) return;
        join_slices(first_head, slice.active, sums, peaks, attended);
    }
    __syncthreads();
    for (int group = threadIdx.x; group < OUTPUTS / GROUP; group += THREADS) {
        float numbers[GROUP];
        load_group(attended, group, numbers);
        store_group<OUT_FORM>(out, out_scales, first_head * HEAD_DIM / GROUP + group, numbers);
    }
}
