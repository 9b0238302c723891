"""VICReg: agreement of the views, with a floor on variances and a price on covariances."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import VICReg

register(
    Method(
        name="vicreg",
        title="VICReg",
        summary="views agree, every coordinate varies, no two covary",
        citation="Bardes et al. 2022, arXiv 2105.04906",
        objective_class=VICReg,
        images=ImageRecipe(
            critic=Head((8192, 8192), batch_norm=True, bias=False),
            n_outputs=8192,
            views="byol",
            optimiser=Optimiser("lars", 0.2, weight_decay=1e-6),
            batch_size=2048,
            epochs=1000,
            published=Published(73.2, 1000, "README of the authors' code"),
            source="Bardes et al. 2022, arXiv 2105.04906, and the authors' code",
            notes=("the rate falls to 0; the authors' to a thousandth of its peak",),
        ),
    )
)
