"""What a representation of images is asked: the class, and every latent."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.analysis.identifiability import class_accuracy, r2_scores
from causal_ssl.datasets.causal3dident.latents import GROUPS

Row = dict[str, Any]
"""metric, variable, value and standard_error."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is known of the images that a representation is scored on; none was trained on.

    Attributes:
        object_class: (n,), integers.
        raw: (n, 10), raw latents.
        n_fit: the first n_fit are for fitting regressions, the others for scoring them.
    """

    object_class: NDArray[np.int64]
    raw: NDArray[np.float64]
    n_fit: int

    @property
    def latents(self) -> Mapping[str, NDArray[np.float64]]:
        """Scene variable -> (n, k): position and rotation have three coordinates."""
        return {name: self.raw[:, list(columns)] for name, columns in GROUPS.items()}


def score(
    representation: NDArray[np.floating[Any]],
    images: Labelled,
    *,
    alphas: tuple[float, ...],
    gammas: tuple[float, ...],
    cv: int,
    device: str = "cpu",
) -> list[Row]:
    """Accuracy for the class and R2 of the other scene variables, as in table 1 of the paper.

    Args:
        representation: (n, d_f).
        images: what the same n images show.
        alphas, gammas, cv, device: of the kernel ridge regression, see `r2_scores`.

    Returns:
        `accuracy` of a multinomial logistic regression for the class, with its binomial standard
        error, and `r2_kernel_ridge` of the other variables, averaged over their coordinates.
    """
    accuracy = class_accuracy(representation, images.object_class, n_fit=images.n_fit)
    error = sqrt(accuracy * (1 - accuracy) / (len(representation) - images.n_fit))
    regressions = r2_scores(
        representation,
        images.latents,
        n_fit=images.n_fit,
        alphas=alphas,
        gammas=gammas,
        cv=cv,
        device=device,
    )
    kept = regressions[["metric", "variable", "value"]].to_dict("records")
    return [
        {"metric": "accuracy", "variable": "class", "value": accuracy, "standard_error": error},
        *kept,
    ]
