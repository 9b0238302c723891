"""Barlow Twins: the two views' outputs correlate coordinate by coordinate, and nowhere else."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import BarlowTwins

register(
    Method(
        name="barlow_twins",
        title="Barlow Twins",
        summary="the cross-correlation matrix of the two views is the identity",
        citation="Zbontar et al. 2021, arXiv 2103.03230",
        objective_class=BarlowTwins,
    )
)
