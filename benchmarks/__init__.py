"""Measures what the workbench costs, and how often it is right. Nothing here is installed or tested for time."""
