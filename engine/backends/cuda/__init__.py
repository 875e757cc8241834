"""The operations on an NVIDIA GPU, with kernels of our own."""
