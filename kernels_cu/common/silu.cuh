// The activation of the gated feed-forward layer (Shazeer, 2020).
#pragma once

__device__ __forceinline__ float silu(float x) { return x / (1.0f + __expf(-x)); }
