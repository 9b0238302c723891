"""How two or more views of one sample are made: interventions on style, always recorded."""

from causal_ssl.views.environments import StyleIntervention, style_ring
from causal_ssl.views.latent import style_change

__all__ = ["StyleIntervention", "style_change", "style_ring"]
