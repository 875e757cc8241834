"""Renders results for people and programs. Reads typed results, computes nothing."""
