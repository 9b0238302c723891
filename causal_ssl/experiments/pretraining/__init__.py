"""Pretraining an image encoder with a method of the registry: `causal-ssl pretrain`."""
