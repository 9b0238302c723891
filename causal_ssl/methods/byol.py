"""BYOL: predict the target network's output of the other view; no contrast."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import Bootstrap

SOURCE = "Grill et al. 2020, arXiv 2006.07733"

register(
    Method(
        name="byol",
        title="BYOL",
        summary="predict what a moving average of the encoder makes of the other view",
        citation=SOURCE,
        objective_class=Bootstrap,
        target=True,
        numerical=False,
        images=ImageRecipe(
            critic=Head((4096,), batch_norm=True),
            n_outputs=256,
            predictor=Head((4096,), batch_norm=True),
            views="byol",
            optimiser=Optimiser("lars", 0.2, weight_decay=1.5e-6),
            batch_size=4096,
            epochs=1000,
            target_decay=0.996,
            published=Published(74.3, 1000, f"{SOURCE}; table 1 of arXiv 2010.07922"),
            source=SOURCE,
        ),
    )
)
