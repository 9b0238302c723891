"""ReLIC with a target network: h is an EMA of f and receives no gradient."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.methods.relic import LEFT_OPEN, SOURCE
from causal_ssl.models.heads import Head
from causal_ssl.objectives import ReLIC

register(
    Method(
        name="relic_t",
        title="ReLIC (target network)",
        summary="ReLIC against the outputs of a moving average of the encoder",
        citation=SOURCE,
        objective_class=ReLIC,
        defaults={"similarity": "neg_squared_l2", "tau": 1.0},
        target=True,
        images=ImageRecipe(
            objective={"similarity": "cosine", "tau": 0.1, "alpha": 1.0},
            critic=Head((4096,), batch_norm=True),
            n_outputs=256,
            predictor=Head((4096,), batch_norm=True),
            views="relic",
            optimiser=Optimiser("lars", 0.2, weight_decay=1.5e-6),
            batch_size=4096,
            epochs=1000,
            target_decay=0.996,
            published=Published(74.8, 1000, f"{SOURCE}, table 1"),
            source=f"{SOURCE}; heads of BYOL",
            notes=LEFT_OPEN,
        ),
    )
)
