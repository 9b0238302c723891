"""Structural causal models: mechanisms, graphs, interventions, counterfactuals, latents, mixing."""

from causal_ssl.scm.finite import FiniteSCM
from causal_ssl.scm.finite_invariance import InvarianceGap, hard_environments, invariance_gap
from causal_ssl.scm.linear import Affine
from causal_ssl.scm.mixing import InvertibleMLP, draw_mixing
from causal_ssl.scm.soft import Soft, soft
from causal_ssl.scm.spaces import LatentSpace, Rn
from causal_ssl.scm.structural import StructuralCausalModel
from causal_ssl.scm.tables import Table, function_table
from causal_ssl.scm.truncated_normal import truncated_normal
from causal_ssl.scm.wishart import wishart_covariance
from causal_ssl.scm.world import World

__all__ = [
    "Affine",
    "FiniteSCM",
    "InvarianceGap",
    "InvertibleMLP",
    "LatentSpace",
    "Rn",
    "Soft",
    "StructuralCausalModel",
    "Table",
    "World",
    "draw_mixing",
    "function_table",
    "hard_environments",
    "invariance_gap",
    "soft",
    "truncated_normal",
    "wishart_covariance",
]
