"""Baselines of a model's speed, memory and results, and gates that hold later code to them."""
