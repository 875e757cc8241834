"""Gives every GPU operation exactly one leaf, or the reason why it has none."""
