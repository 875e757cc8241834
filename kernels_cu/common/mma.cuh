// Products of small matrices on tensor cores, and how shared memory feeds them.
//
// `mma.sync.m16n8k16` multiplies A (16 x 16) by B (16 x 8) into C (16 x 8) of single precision. With g = lane / 4 and
// t = lane % 4, a lane holds
//   of A four registers of two neighbours of a row: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8);
//   of B two registers of two neighbours of a column: (2t, g), (2t + 8, g);
//   of C four numbers: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
// So two C side by side, rounded, are an A. Source: PTX ISA, "Matrix fragments for mma.m16n8k16".
#pragma once

#include "common/numbers.cuh"

__device__ __forceinline__ void multiply_add(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, __half) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void multiply_add(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1,
                                             __nv_bfloat16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Two numbers in one register, the first in the lower half.
template <typename T> __device__ __forceinline__ unsigned pack_pair(float first, float second);
template <> __device__ __forceinline__ unsigned pack_pair<__half>(float first, float second) {
    const __half2 pair = __floats2half2_rn(first, second);
    return reinterpret_cast<const unsigned&>(pair);
}
template <> __device__ __forceinline__ unsigned pack_pair<__nv_bfloat16>(float first, float second) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
    return reinterpret_cast<const unsigned&>(pair);
}

// Four matrices of 8 x 8 numbers of 16 bits: lane l gives the address of row l % 8 of matrix l / 8, and gets, of each
// matrix, two neighbours of row g at column 2t.
__device__ __forceinline__ void load_matrices(unsigned (&r)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

// The same of the transposed matrices: two neighbours of column g at row 2t.
__device__ __forceinline__ void load_transposed_matrices(unsigned (&r)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

// Rows of COLUMNS numbers of 16 bits in shared memory, in chunks of 16 bytes that are shuffled within a row so that
// the same chunk of 8 neighbouring rows lies in 8 different places of a line of 128 bytes: no two meet in a bank.
//
// 16 rows further on a chunk lies 16 * ROW_BYTES further on. An even number of chunks further on, counting by exclusive
// or, it lies where exclusive or with that many bytes says, if the tile begins at a multiple of ROW_BYTES.
template <int COLUMNS> struct Tile {
    static constexpr int ROW_BYTES = COLUMNS * 2;
    static constexpr int CHUNKS = ROW_BYTES / 16;
    static constexpr int ROWS_PER_LINE = CHUNKS < 8 ? 8 / CHUNKS : 1;
    static constexpr int MASK = CHUNKS < 8 ? CHUNKS - 1 : 7;
    static_assert(CHUNKS >= 2 && (CHUNKS & (CHUNKS - 1)) == 0, "rows are 16, 32, 64, 128, 256 ... numbers");

    // In bytes from the tile's beginning.
    static __device__ __forceinline__ int offset(int row, int chunk) {
        return row * ROW_BYTES + (chunk ^ (row / ROWS_PER_LINE & MASK)) * 16;
    }
};
