// Draws a token: temperature, then the TOP_K likeliest, then the likeliest that together hold `top_p` of what is left.
//
// Reads `logits` (count) some ten times, from L2; writes what argmax.cu writes. One block. Weights are whole numbers,
// exp((logit - largest) / temperature) in units of 2^-32, so that their sums do not depend on any order. A threshold is
// found eight bits at a time, by histograms of the logits' bits: of how many tokens, or of how much weight. Of tokens
// with equal logits the earlier are likelier. The draw walks the kept tokens in their own order; its random number
// follows from seed and step (SplitMix64; Steele, Lea and Flood, 2014). `top_k` 0 keeps all, `top_p` 1 keeps all.
#include "common/pdl.cuh"
#include "sampling/finish.cuh"

constexpr int THREADS = 512;
constexpr int BINS = 256;

using Weight = unsigned long long;

__device__ __forceinline__ Weight weight_of(float logit, float largest, float temperature) {
    return isnan(logit) ? 0 : __float2ull_rn(expf((logit - largest) / temperature) * 4294967296.0f);
}

// The sum of all threads' numbers before this one's, and of all of them.
__device__ __forceinline__ Weight sum_before(Weight mine, Weight* shared, Weight& total) {
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    Weight upto = mine;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        const Weight other = __shfl_up_sync(ALL_LANES, upto, offset);
        if (lane >= offset) upto += other;
    }
    __syncthreads();
    if (lane == WARP - 1) shared[warp] = upto;
    __syncthreads();
    Weight before = upto - mine;
    total = 0;
    for (int w = 0; w < THREADS / WARP; ++w) {
        if (w < warp) before += shared[w];
        total += shared[w];
    }
    return before;
}

// What is kept: tokens whose bits are above `bits`, and of those with just these bits the first `ties`.
struct Kept {
    unsigned bits;
    unsigned ties;
};


// The least that holds `wanted`, of tokens (BY_WEIGHT 0) or of weight (1), going down from the likeliest that `kept` keeps.
template <bool BY_WEIGHT>
__device__ Kept narrow(const float* logits, int count, float largest, float temperature, Kept kept, Weight wanted,
                       Weight* histogram) {
    __shared__ unsigned chosen;
    __shared__ Weight above;
    unsigned prefix = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int bin = threadIdx.x; bin < BINS; bin += THREADS) histogram[bin] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < count; i += THREADS) {
            const unsigned bits = ordered(logits[i]);
            const bool in_prefix = shift == 24 || bits >> (shift + 8) == prefix >> (shift + 8);
            if (in_prefix && bits >= kept.bits) {
                const Weight worth = BY_WEIGHT ? weight_of(logits[i], largest, temperature) : 1;
                atomicAdd(histogram + (bits >> shift & (BINS - 1)), worth);
            }
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            // The bits of the threshold itself may belong to more tokens than are kept.
            Weight sum = 0;
            int bin = BINS - 1;
            while (bin > 0 && sum + histogram[bin] < wanted) sum += histogram[bin--];
            chosen = bin, above = sum;
        }
        __syncthreads();
        prefix |= chosen << shift;
        wanted -= above;
        __syncthreads();
    }
    const Weight each = BY_WEIGHT ? weight_of(__uint_as_float(prefix & 0x80000000u ? prefix & 0x7fffffffu : ~prefix),
                                              largest, temperature)
                                  : 1;
    unsigned ties = each ? unsigned(min((wanted + each - 1) / each, Weight(0xffffffffu))) : 0xffffffffu;
    if (prefix == kept.bits) ties = min(ties, kept.ties);
    return {prefix, max(ties, 1u)};
}

__device__ __forceinline__ Weight random_24_bits(Weight seed, int step) {
    Weight x = seed + (Weight(step) + 1) * 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return (x ^ x >> 31) >> 40;
}

extern "C" __global__ void __launch_bounds__(THREADS)
sample(const float* logits, int count, float temperature, int top_k, float top_p, Weight seed, int* token, int* tokens,
       int* step, int* position, int read_tokens) {
    __shared__ Weight shared[BINS];
    __shared__ unsigned drawn;
    pdl_launch_dependents();
    pdl_wait();
    Weight best = 0;
    for (int i = threadIdx.x; i < count; i += THREADS) best = max(best, candidate(logits[i], i));
    best = block_best<THREADS>(best, shared);
    const float largest = logits[token_of(best)];
    if (threadIdx.x == 0) drawn = token_of(best);

    Kept kept = {1, 0xffffffffu};
    __syncthreads();
    if (top_k > 0 && top_k < count)
        kept = narrow<false>(logits, count, largest, temperature, kept, top_k, shared);

    // A thread's tokens are neighbours, so that sums over threads are sums in the tokens' order.
    const int share = (count + THREADS - 1) / THREADS;
    const int begin = min(int(threadIdx.x) * share, count), end = min(begin + share, count);
    Weight total;
    for (int pass = 0; pass < 2; ++pass) {
        Weight ties = 0, sum = 0;
        for (int i = begin; i < end; ++i) ties += ordered(logits[i]) == kept.bits;
        Weight all_ties;
        const Weight ties_before = sum_before(ties, shared, all_ties);
        ties = ties_before;
        for (int i = begin; i < end; ++i) {
            const unsigned bits = ordered(logits[i]);
            if (bits > kept.bits || (bits == kept.bits && ties++ < kept.ties))
                sum += weight_of(logits[i], largest, temperature);
        }
        const Weight before = sum_before(sum, shared, total);
        if (pass == 0 && top_p < 1) {
            __syncthreads();
            const Weight wanted = max(Weight(double(top_p) * double(total)), Weight(1));
            kept = narrow<true>(logits, count, largest, temperature, kept, wanted, shared);
            continue;
        }
        const Weight goal = __umul64hi(total, random_24_bits(seed, *step) << 40);
        if (before <= goal && goal < before + sum) {
            Weight running = before;
            ties = ties_before;
            for (int i = begin; i < end; ++i) {
                const unsigned bits = ordered(logits[i]);
                if (bits > kept.bits || (bits == kept.bits && ties++ < kept.ties)) {
                    running += weight_of(logits[i], largest, temperature);
                    if (goal < running) {
                        drawn = i;
                        break;
                    }
                }
            }
        }
        break;
    }
    __syncthreads();
    if (threadIdx.x == 0) finish_step(drawn, token, tokens, step, position, read_tokens);
}
