"""Compiles the CUDA sources in `kernels_cu`, keeps what was compiled, and loads it."""
