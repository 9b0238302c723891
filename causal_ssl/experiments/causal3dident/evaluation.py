"""What a representation of images is asked: the class, and every latent."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.analysis.identifiability import class_accuracy, r2_scores
from causal_ssl.datasets.causal3dident.latents import CLASSES, GROUPS
from causal_ssl.randomness import derived_seed

Row = dict[str, Any]
"""metric, variable, value and standard_error."""

PERMUTED = "_permuted"
"""Ending of the metrics' names where the representations that regressions were fitted on had been
shuffled against what they show: what is reached by chance."""


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
    shuffles: int = 1,
    seed: int = 0,
    device: str = "cpu",
) -> list[Row]:
    """Accuracy for the class and R2 of the other scene variables, as in table 1 of the paper.

    Args:
        representation: (n, d_f).
        images: what the same n images show.
        alphas, gammas, cv, device: of the kernel ridge regression, see `r2_scores`.
        shuffles: of the pairs of the images fitted on, with all scored again for each.
        seed: of the shuffles.

    Returns:
        `accuracy` of a multinomial logistic regression for the class, with its binomial standard
        error, and `r2_kernel_ridge` of the other variables, averaged over their coordinates; then
        the same for each shuffle, their metrics ending in `PERMUTED`: about the share of the
        largest class, and about 0.
    """
    regressions = r2_scores(
        representation,
        images.latents,
        n_fit=images.n_fit,
        alphas=alphas,
        gammas=gammas,
        n_permutations=shuffles,
        seed=seed,
        cv=cv,
        device=device,
    )
    classes = [images.object_class, *(_shuffled(images, seed, k) for k in range(shuffles))]
    rows = []
    for k, (_, own) in enumerate(regressions.groupby("permutation")):
        metric = f"accuracy{PERMUTED if k else ''}"
        rows.append(_accuracy(representation, classes[k], images.n_fit, metric))
        rows += own[["metric", "variable", "value"]].to_dict("records")
    return rows


def class_alone(images: Labelled) -> NDArray[np.float64]:
    """The representation (n, 7) that is the class, one-hot, and nothing else.

    The R2 of the variables that the class pushes, scored as any other, says how much of theirs is
    no style that an encoder kept.
    """
    return np.eye(len(CLASSES))[images.object_class]


def _accuracy(
    representation: NDArray[np.floating[Any]], labels: NDArray[np.int64], n_fit: int, metric: str
) -> Row:
    share = class_accuracy(representation, labels, n_fit=n_fit)
    error = sqrt(share * (1 - share) / (len(labels) - n_fit))
    return {"metric": metric, "variable": "class", "value": share, "standard_error": error}


def _shuffled(images: Labelled, seed: int, k: int) -> NDArray[np.int64]:
    """The classes, those of the images fitted on among each other."""
    labels = images.object_class.copy()
    random = np.random.default_rng(derived_seed(seed, "shuffled classes", k))
    random.shuffle(labels[: images.n_fit])
    return labels
