"""MoCo v2: the wrong candidates are a queue of past outputs of the target network."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import InfoNCE

SOURCE = "Chen et al. 2020, arXiv 2003.04297"

register(
    Method(
        name="moco_v2",
        title="MoCo v2",
        summary="tell each sample's other view from a queue of earlier samples",
        citation=SOURCE,
        objective_class=InfoNCE,
        defaults={"similarity": "cosine", "tau": 0.2, "negatives": "separate"},
        target=True,
        numerical=False,
        images=ImageRecipe(
            critic=Head((2048,)),
            n_outputs=128,
            views="moco_v2",
            optimiser=Optimiser("sgd", 0.03, weight_decay=1e-4, decay_all=True),
            warmup_epochs=0,
            batch_size=256,
            epochs=800,
            target_decay=0.999,
            target_schedule="constant",
            queue=65_536,
            published=Published(71.1, 800, f"{SOURCE}; table 1 of arXiv 2010.07922"),
            source=f"{SOURCE}, and the authors' code",
            notes=(
                "the target's batch norm is over all devices, like the online network's, where the "
                "authors shuffle samples between devices",
            ),
        ),
    )
)
