"""The study of Theorem 1 on random finite models, where every probability is enumerated."""
