"""Similarities and the losses built from them: pure functions of critic outputs.

loss = ReLIC("neg_squared_l2", alpha=1.0)
terms = loss(online=[u, v])                    # h = f: gradients through both sides
terms = loss(online=[u, v], target=[t1, t2])   # a target network's (detached) outputs
terms["loss"].sum().backward()                 # leading dimensions are independent replicas

by_group = ReLIC("neg_squared_l2", positives="group_mass")
by_group(online=[u, v], groups=labels)  # (..., n) integers: whose samples count as one

NT-Xent is InfoNCE("cosine", tau=0.1, negatives="both_views"); `Family` puts the parts together.
"""

from causal_ssl.objectives.align_maxent import AlignMaxEnt
from causal_ssl.objectives.barlow_twins import BarlowTwins
from causal_ssl.objectives.bootstrap import Bootstrap
from causal_ssl.objectives.cross_entropy import CrossEntropy
from causal_ssl.objectives.family import Family
from causal_ssl.objectives.groups import Groups, Positives
from causal_ssl.objectives.infonce import InfoNCE
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.relic import ReLIC
from causal_ssl.objectives.similarities import (
    Bilinear,
    Cosine,
    Inner,
    NegLp,
    NegSquaredL2,
    Similarity,
)
from causal_ssl.objectives.vicreg import VICReg

__all__ = [
    "AlignMaxEnt",
    "BarlowTwins",
    "Bilinear",
    "Bootstrap",
    "Cosine",
    "CrossEntropy",
    "Family",
    "Groups",
    "InfoNCE",
    "Inner",
    "NegLp",
    "NegSquaredL2",
    "Objective",
    "Positives",
    "ReLIC",
    "Similarity",
    "Terms",
    "VICReg",
]
