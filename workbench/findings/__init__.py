"""Findings: claims with their evidence, the gain each should bring, and targets that a later capture can check."""
