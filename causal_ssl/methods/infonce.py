"""InfoNCE, as in Von Kuegelgen et al. 2021: find the other view of the same sample."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import InfoNCE

register(
    Method(
        name="infonce",
        title="InfoNCE",
        summary="tell each sample's other view from the other samples' views",
        citation="van den Oord et al. 2018, arXiv 1807.03748",
        objective_class=InfoNCE,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
    )
)
