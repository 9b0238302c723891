"""ReLIC with a target network: h is an EMA of f and receives no gradient."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import ReLIC

register(
    Method(
        name="relic_t",
        title="ReLIC (target network)",
        summary="ReLIC against the outputs of a moving average of the encoder",
        citation="Mitrovic et al. 2021, arXiv 2010.07922",
        objective_class=ReLIC,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
        target=True,
    )
)
