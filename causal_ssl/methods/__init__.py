"""The registry: one entry a method = objective + target + recipe + defaults + citation.

    method = methods.get("relic")
    objective = method.objective(alpha=0.5)
    method.image_recipe().critic        # how ResNet-50 is pretrained with it
    methods.names()                     # ['infonce', 'relic', ...]: those of the numerical studies
    methods.names(takes_groups=True)    # ['supcon']: those that need the samples' groups
    methods.pretraining_names()         # those that have a recipe for images

Defaults are those of the numerical study: outputs in R^n compared by negative squared L2, tau = 1;
of methods for images alone, those of their paper. Adding a method is one file here and its name
below.
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
    simclr,
    byol,
    moco_v2,
    supervised,
)
from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, all_names, get, names, pretraining_names, register

__all__ = [
    "ImageRecipe",
    "Method",
    "Optimiser",
    "Published",
    "align_maxent",
    "all_names",
    "barlow_twins",
    "byol",
    "get",
    "infonce",
    "moco_v2",
    "names",
    "pretraining_names",
    "register",
    "relic",
    "relic_t",
    "simclr",
    "supcon",
    "supervised",
    "vicreg",
]
