"""The registry: one entry a method = objective + target + defaults + citation.

    method = methods.get("relic")
    objective = method.objective(alpha=0.5)
    methods.names()                     # ['infonce', 'relic', ...]
    methods.names(takes_groups=True)    # ['supcon']: those that need the samples' groups

Defaults are those of the numerical study: outputs in R^n compared by negative squared L2, tau = 1.
"""

# Imported for their entries, in the order in which tables show them.
from causal_ssl.methods import (  # isort: skip
    infonce,
    relic,
    relic_t,
    align_maxent,
    barlow_twins,
    vicreg,
    supcon,
)
from causal_ssl.methods.registry import Method, get, names, register

__all__ = [
    "Method",
    "align_maxent",
    "barlow_twins",
    "get",
    "infonce",
    "names",
    "register",
    "relic",
    "relic_t",
    "supcon",
    "vicreg",
]
