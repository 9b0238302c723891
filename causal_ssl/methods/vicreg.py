"""VICReg: agreement of the views, with a floor on variances and a price on covariances."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import VICReg

register(
    Method(
        name="vicreg",
        title="VICReg",
        summary="views agree, every coordinate varies, no two covary",
        citation="Bardes et al. 2022, arXiv 2105.04906",
        objective_class=VICReg,
    )
)
