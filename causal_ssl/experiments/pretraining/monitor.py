"""What an encoder in training is worth, told by labels that training does not see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.analysis.identifiability import class_accuracy
from causal_ssl.analysis.knn import knn_accuracy
from causal_ssl.analysis.rank import rank_me
from causal_ssl.datasets.images import Images
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.randomness import generator_for
from causal_ssl.training.images import features

K, TEMPERATURE = 200, 0.1
"""Of the nearest neighbours, as Wu et al. (2018), arXiv 1805.01978."""
COLLAPSED = 2.0
"""A representation of a lower RankMe has all but collapsed to a point or a line."""


class Some:
    """Some images of a data set, their centres cut out.

    Args:
        images: the data set.
        chosen: (k,), which.
        size: pixels a side of what is cut out.
    """

    def __init__(self, images: Images, chosen: NDArray[np.int64], *, size: int) -> None:
        self._images, self._chosen, self._size = images, chosen, size

    @property
    def labels(self) -> NDArray[np.int64]:
        return self._images.labels[self._chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        image = self._images.batch(self._chosen[indices], generator)["image"]
        top = (image.shape[-1] - self._size) // 2
        return {"image": image[..., top : top + self._size, top : top + self._size]}


def some(images: Images, n: int, *, size: int, seed: int) -> Some:
    """At most n images, drawn once; the same whatever is trained."""
    order = torch.randperm(len(images), generator=generator_for(seed, "monitor")).numpy()
    return Some(images, order[:n], size=size)


@dataclass(frozen=True)
class Monitor:
    """Scores the representation f(x), the trunk's output, in eval mode, probes fitted anew.

    Attributes:
        fit: training images that probes are fitted on.
        held_out: images that they are scored on.
        alarm: is told when the representation has collapsed.

    Returns (when called):
        `knn_top1` of weighted nearest neighbours (k = 200 or all, T = 0.1) and `linear_top1` of a
        logistic regression, both in [0, 1], and `rank_me` of the held-out representation, at least
        1 (Garrido et al. 2023, arXiv 2210.02885).
    """

    fit: Some
    held_out: Some
    alarm: Callable[[str], Any]

    def __call__(self, encoder: ImageEncoder) -> dict[str, float]:
        fit, held_out = (features(encoder, some).intermediate for some in (self.fit, self.held_out))
        rank = rank_me(held_out)
        if rank < COLLAPSED:
            self.alarm(
                f"the representation has collapsed: RankMe {rank:.2f} of at most "
                f"{min(held_out.shape)}; a lower learning rate or another temperature may help"
            )
        labels, wanted = self.fit.labels, self.held_out.labels
        neighbours = knn_accuracy(
            fit, labels, held_out, wanted, k=min(K, len(fit)), temperature=TEMPERATURE
        )
        linear = class_accuracy(fit, labels, score_representation=held_out, score_labels=wanted)
        return {"knn_top1": neighbours.top1, "linear_top1": linear, "rank_me": rank}
