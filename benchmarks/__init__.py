"""Measures what the workbench costs, and how often what it says is true. Nothing here is installed or tested for time."""
