"""InfoNCE, as in Von Kuegelgen et al. 2021: find the other view of the same sample."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import InfoNCE

register(
    Method(
        name="infonce",
        title="InfoNCE",
        summary="tell each sample's other view from the other samples' views",
        citation="van den Oord et al. 2018, arXiv 1807.03748",
        objective_class=InfoNCE,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
        images=ImageRecipe(
            objective={"similarity": "cosine", "tau": 0.1, "symmetric": True},
            critic=Head((4096, 2048, 1024, 512), batch_norm=True, last_batch_norm=True),
            n_outputs=128,
            views="relic",
            optimiser=Optimiser("lars", 0.3, weight_decay=1.5e-6),
            batch_size=4096,
            epochs=1000,
            source="the recipe of ReLIC, arXiv 2010.07922",
            notes=("ReLIC with alpha = 0, for comparison with it; not published",),
        ),
    )
)
