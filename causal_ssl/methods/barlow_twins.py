"""Barlow Twins: the two views' outputs correlate coordinate by coordinate, and nowhere else."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser, Published
from causal_ssl.methods.registry import Method, register
from causal_ssl.models.heads import Head
from causal_ssl.objectives import BarlowTwins

register(
    Method(
        name="barlow_twins",
        title="Barlow Twins",
        summary="the cross-correlation matrix of the two views is the identity",
        citation="Zbontar et al. 2021, arXiv 2103.03230",
        objective_class=BarlowTwins,
        images=ImageRecipe(
            critic=Head((8192, 8192), batch_norm=True, bias=False),
            n_outputs=8192,
            views="byol",
            optimiser=Optimiser("lars", 0.2, weight_decay=1e-6, plain_factor=0.0048 / 0.2),
            batch_size=2048,
            epochs=1000,
            published=Published(73.5, 1000, "README of the authors' code"),
            source="Zbontar et al. 2021, arXiv 2103.03230, and the authors' code",
            notes=(
                "the rate falls to 0; the authors' to a thousandth of its peak",
                "theirs were tuned with gradients divided by the number of processes, to which the"
                " steps of biases and norms, 0.0048 x batch/256, are not indifferent",
            ),
        ),
    )
)
