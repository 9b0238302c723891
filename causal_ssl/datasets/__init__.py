"""Concrete data with known ground truth."""
