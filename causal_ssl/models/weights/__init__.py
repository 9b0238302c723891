"""Encoders from files: our own, and weights that others publish. No file is ever executed.

opened = open_encoder("pretrain_res50x1.pkl")      # BYOL's; or a run's directory, a .pth, ...
features = opened.encoder(images).intermediate     # (n, 2048)
opened.source                                      # what was read, in words
"""

from causal_ssl.models.weights.opening import OpenedEncoder, open_encoder
from causal_ssl.models.weights.runs import load_encoder

__all__ = ["OpenedEncoder", "load_encoder", "open_encoder"]
