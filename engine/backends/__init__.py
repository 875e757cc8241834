"""The same operations by NumPy, as the reference, and by CUDA."""
