"""What an encoder in training is worth, told by labels that training does not see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from causal_ssl.analysis.identifiability import class_accuracy
from causal_ssl.analysis.knn import knn_accuracy
from causal_ssl.analysis.rank import rank_me
from causal_ssl.datasets.images.centres import Centres
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.images import features

K, TEMPERATURE = 200, 0.1
"""Of the nearest neighbours, as Wu et al. (2018), arXiv 1805.01978."""
COLLAPSED = 2.0
"""A representation of a lower RankMe has all but collapsed to a point or a line."""


@dataclass(frozen=True)
class Monitor:
    """Scores the representation f(x), the trunk's output, in eval mode, probes fitted anew.

    Attributes:
        fit: training images that probes are fitted on.
        held_out: validation images that they are scored on, with the same numbers of classes.
        alarm: is told when the representation has collapsed.
        workers: processes that read images.

    Returns (when called):
        `knn_top1` of weighted nearest neighbours (k = 200 or all, T = 0.1) and `linear_top1` of a
        logistic regression, both in [0, 1] and left out where there is a single class, and
        `rank_me` of their representation, at least 1 (Garrido et al. 2023, arXiv
        2210.02885).
    """

    fit: Centres
    held_out: Centres
    alarm: Callable[[str], Any]
    workers: int = 0

    def __call__(self, encoder: ImageEncoder) -> dict[str, float]:
        fit, held_out = (
            features(encoder, images, workers=self.workers).intermediate
            for images in (self.fit, self.held_out)
        )
        rank = rank_me(held_out)
        if rank < COLLAPSED:
            self.alarm(
                f"the representation has collapsed: RankMe {rank:.2f} of at most "
                f"{min(held_out.shape)}; a lower learning rate or another temperature may help"
            )
        labels, wanted = self.fit.labels, self.held_out.labels
        if len(np.unique(labels)) < 2:
            return {"rank_me": rank}
        neighbours = knn_accuracy(
            fit, labels, held_out, wanted, k=min(K, len(fit)), temperature=TEMPERATURE
        )
        linear = class_accuracy(fit, labels, score_representation=held_out, score_labels=wanted)
        return {"knn_top1": neighbours.top1, "linear_top1": linear, "rank_me": rank}
