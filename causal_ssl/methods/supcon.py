"""Supervised contrastive learning: samples of one group are each other's positives."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import InfoNCE

register(
    Method(
        name="supcon",
        title="SupCon",
        summary="tell the samples of the same group from all others, each of them alike",
        citation="Khosla et al. 2020, arXiv 2004.11362",
        objective_class=InfoNCE,
        defaults={
            "similarity": "neg_squared_l2",
            "tau": 1.0,
            "positives": "group_mean_log",
            "symmetric": True,
        },
    )
)
