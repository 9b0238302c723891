"""What a representation is asked: the classes of images that it was not fitted on."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl.analysis.identifiability import class_accuracy
from causal_ssl.analysis.knn import knn_accuracy
from causal_ssl.analysis.rank import rank_me
from causal_ssl.experiments.pretraining.monitor import TEMPERATURE, K
from causal_ssl.randomness import generator_for

Row = dict[str, Any]
"""metric, variable, value, standard_error, n_fit and n_score."""
Floats = NDArray[np.floating[Any]]

ACCURACIES = ("linear_top1", "knn_top1")
RANK = "rank_me"


@dataclass(frozen=True, eq=False)
class Represented:
    """The images of a split as a representation has them.

    Attributes:
        features: (n, d_f).
        labels: (n,) classes.
    """

    features: Floats
    labels: NDArray[np.int64]


def score(train: Represented, test: Represented, *, n_linear: int) -> list[Row]:
    """Linear and nearest-neighbour accuracy, and how many directions are used.

    Args:
        train: what is fitted on, with its classes.
        test: what is scored.
        n_linear: training images, at most, that the linear classifier is fitted on, drawn once, the
            same for all; neighbours are sought among all.

    Returns:
        `linear_top1` of a multinomial logistic regression on standardised features and `knn_top1`
        of weighted nearest neighbours (k = 200 or all, T = 0.1), both in [0, 1], by chance the
        share of a class, with their binomial standard errors; `rank_me` of the test images, in
        [1, d_f] (Garrido et al. 2023, arXiv 2210.02885).
    """
    some = _some(len(train.labels), n_linear)
    linear = class_accuracy(
        train.features[some],
        train.labels[some],
        score_representation=test.features,
        score_labels=test.labels,
    )
    neighbours = knn_accuracy(
        train.features,
        train.labels,
        test.features,
        test.labels,
        k=min(K, len(train.labels)),
        temperature=TEMPERATURE,
    )
    n_test = len(test.labels)
    return [
        _accuracy("linear_top1", linear, n_fit=len(some), n_score=n_test),
        _accuracy("knn_top1", neighbours.top1, n_fit=len(train.labels), n_score=n_test),
        {"metric": RANK, "variable": "", "value": rank_me(test.features), "n_score": n_test},
    ]


def _some(n: int, most: int) -> NDArray[np.int64]:
    """Which of n images: at most so many, drawn once."""
    return torch.randperm(n, generator=generator_for(0, "fitted on"))[:most].numpy()


def _accuracy(metric: str, share: float, *, n_fit: int, n_score: int) -> Row:
    error = sqrt(share * (1 - share) / n_score)
    row: Row = {"metric": metric, "variable": "class", "value": share, "standard_error": error}
    return row | {"n_fit": n_fit, "n_score": n_score}
