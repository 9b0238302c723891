"""How two or more views of one sample are made: interventions on style, always recorded."""

from causal_ssl.views.latent import style_change

__all__ = ["style_change"]
