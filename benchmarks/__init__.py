"""Measures what the workbench costs. Nothing here is installed or tested for time."""
