"""ReLIC without a target network (h = f)."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import ReLIC

SOURCE = "Mitrovic et al. 2021, arXiv 2010.07922"
LEFT_OPEN = (
    "the paper gives neither tau nor alpha: tau is SimCLR's, alpha 1",
    "it solarises, with SimCLR's probabilities, and SimCLR does not: BYOL's stand here, 0 and 0.2",
)

register(
    Method(
        name="relic",
        title="ReLIC",
        summary="InfoNCE plus invariance of its predictions under style interventions",
        citation=SOURCE,
        objective_class=ReLIC,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
        images=ImageRecipe(
            objective={"similarity": "cosine", "tau": 0.1, "alpha": 1.0},
            critic=Head((4096, 2048, 1024, 512), batch_norm=True, last_batch_norm=True),
            n_outputs=128,
            views="relic",
            optimiser=Optimiser("lars", 0.3, weight_decay=1.5e-6),
            batch_size=4096,
            epochs=1000,
            published=Published(70.3, 1000, f"{SOURCE}, table 1"),
            source=SOURCE,
            notes=LEFT_OPEN,
        ),
    )
)
