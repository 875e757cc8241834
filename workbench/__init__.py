"""Explains where a CUDA program's time goes: capture, attribute, find, change, compare."""

__version__ = "0.1.0"
