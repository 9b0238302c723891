"""Encoders, heads and their exponential-moving-average targets."""
