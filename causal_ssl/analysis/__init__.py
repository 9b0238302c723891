"""Measures on arrays and tables: identifiability, invariance, and the figures drawn from them."""
