"""ReLIC with h = f: gradients flow through both sides."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import ReLIC

register(
    Method(
        name="relic",
        title="ReLIC",
        summary="instance discrimination whose predictions agree under all style interventions",
        citation="Mitrovic et al. 2021, arXiv 2010.07922",
        objective_class=ReLIC,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
    )
)
