"""Supervised classification, the baseline of the robustness tables: outputs are logits."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import CrossEntropy

SOURCE = "He et al. 2016, arXiv 1512.03385; Goyal et al. 2017, arXiv 1706.02677"

register(
    Method(
        name="supervised",
        title="Supervised",
        summary="predict the label; no self-supervision",
        citation=SOURCE,
        objective_class=CrossEntropy,
        numerical=False,
        images=ImageRecipe(
            critic=Head(),
            n_outputs=None,
            views="supervised",
            optimiser=Optimiser("sgd", 0.1, weight_decay=1e-4, decay_all=True),
            warmup_epochs=5,
            batch_size=256,
            epochs=90,
            published=Published(76.15, 90, "torchvision's ResNet-50 v1: error 23.85 %"),
            source=SOURCE,
            notes=("the rate falls as a cosine; the papers' in steps",),
        ),
    )
)
