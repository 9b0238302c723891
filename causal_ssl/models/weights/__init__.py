"""Encoders from files: our own, and weights that others publish. No file is ever executed."""
