"""SimCLR: NT-Xent, in which all other outputs of both views are candidates."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import InfoNCE

SOURCE = "Chen et al. 2020, arXiv 2002.05709"

register(
    Method(
        name="simclr",
        title="SimCLR",
        summary="tell each sample's other view from all other outputs of both views",
        citation=SOURCE,
        objective_class=InfoNCE,
        defaults={"similarity": "cosine", "tau": 0.1, "negatives": "both_views"},
        numerical=False,
        images=ImageRecipe(
            critic=Head((2048,), batch_norm=True, last_batch_norm=True, bias=False),
            n_outputs=128,
            views="simclr",
            optimiser=Optimiser("lars", 0.3, weight_decay=1e-6),
            batch_size=4096,
            epochs=1000,
            published=Published(69.3, 1000, "table 1 of arXiv 2010.07922"),
            source=f"{SOURCE}, and the authors' code",
        ),
    )
)
