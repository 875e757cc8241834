// Programmatic dependent launch: a kernel may start while the one before it drains.
//
// Weights never depend on the kernel before, only activations do. So every kernel asks for its first weights, lets the
// next kernel start, waits until the one before has finished and is visible, and only then reads what that one wrote.
// Where kernels are launched without the attribute, both calls do nothing.
#pragma once

// The next kernel may start once all blocks of this one have said so.
__device__ __forceinline__ void pdl_launch_dependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Returns when the kernel before has finished, and so have all before that: each of them waited, too.
__device__ __forceinline__ void pdl_wait() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
