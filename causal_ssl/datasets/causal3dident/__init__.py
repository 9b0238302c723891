"""Causal3DIdent, from latents to pixels: von Kuegelgen et al. 2021 (arXiv:2106.04619)."""
