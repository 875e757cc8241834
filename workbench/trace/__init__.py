"""Reads captures into one typed, columnar, immutable `Trace`."""
