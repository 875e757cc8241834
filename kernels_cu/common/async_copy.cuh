// Copies from global to shared memory that go on while a thread computes.
#pragma once

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// 16 bytes past L1, or 16 bytes of zeros: then `source` is not read.
__device__ __forceinline__ void copy_16_bytes(unsigned target, const void* source, bool zeros) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(target), "l"(source), "r"(zeros ? 0 : 16) : "memory");
}

// Everything that this thread asked for since the last group belongs to one group.
__device__ __forceinline__ void end_copy_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Returns when at most PENDING of this thread's latest groups are still under way.
template <int PENDING> __device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" :: "n"(PENDING) : "memory");
}
