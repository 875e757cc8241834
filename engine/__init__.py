"""Runs language models on CUDA kernels of our own, annotated so that the workbench can read them."""

__version__ = "0.1.0"
