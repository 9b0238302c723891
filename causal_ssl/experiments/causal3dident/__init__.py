"""Causal3DIdent: rendering it, and the study of what image encoders keep of it."""
