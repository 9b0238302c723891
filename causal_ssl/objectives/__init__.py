"""Similarities and the losses built from them: pure functions of critic outputs."""
