"""Similarities and the losses built from them: pure functions of critic outputs.

loss = ReLIC("neg_squared_l2", alpha=1.0)
terms = loss(online=[u, v])                    # h = f: gradients through both sides
terms = loss(online=[u, v], target=[t1, t2])   # a target network's (detached) outputs
terms["loss"].sum().backward()                 # leading dimensions are independent replicas
"""

from causal_ssl.objectives.align_maxent import AlignMaxEnt
from causal_ssl.objectives.barlow_twins import BarlowTwins
from causal_ssl.objectives.infonce import InfoNCE
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.relic import ReLIC
from causal_ssl.objectives.similarities import Cosine, Inner, NegLp, NegSquaredL2, Similarity
from causal_ssl.objectives.vicreg import VICReg

__all__ = [
    "AlignMaxEnt",
    "BarlowTwins",
    "Cosine",
    "InfoNCE",
    "Inner",
    "NegLp",
    "NegSquaredL2",
    "Objective",
    "ReLIC",
    "Similarity",
    "Terms",
    "VICReg",
]
