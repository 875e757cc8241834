"""Records what the NumPy backend does, as a profiler would have recorded it of a GPU."""
