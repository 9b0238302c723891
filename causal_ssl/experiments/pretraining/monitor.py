"""What an encoder in training is worth, told by labels that training does not see."""

from collections.abc import Callable, Sequence
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
from causal_ssl.errors import InputError
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.randomness import generator_for
from causal_ssl.training.images import features
from causal_ssl.views.augmentations._resampling import resized_crops

K, TEMPERATURE = 200, 0.1
"""Of the nearest neighbours, as Wu et al. (2018), arXiv 1805.01978."""
COLLAPSED = 2.0
"""A representation of a lower RankMe has all but collapsed to a point or a line."""


class Centres:
    """The centres of some images of a data set, as large in proportion to all of them.

    As if the shorter side were resized to the images' size here and a square cut out, whatever the
    proportions of the original.

    Args:
        images: the data set.
        chosen: (k,), which.
        size: pixels a side of what is cut out.
        labels: (n,), the classes of all its images.
    """

    def __init__(
        self,
        images: Images,
        chosen: NDArray[np.int64],
        *,
        size: int,
        labels: NDArray[np.int64],
    ) -> None:
        self._images, self._chosen, self._size = images, chosen, size
        self.labels = labels[chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        batch = self._images.batch(self._chosen[indices], generator)
        image, size = batch["image"], self._size
        aspect = batch.get("aspect", torch.ones(len(image))).double()
        sides = [(size * share.clamp(max=1)).round() for share in (aspect, 1 / aspect)]
        corners = [(whole - side) // 2 for whole, side in zip(image.shape[-2:], sides, strict=True)]
        boxes = torch.stack([*corners, *sides], dim=1).long()
        return {"image": resized_crops(image, boxes, (size, size), "bilinear")}


def centres(
    images: Images, n: int, *, size: int, seed: int, classes: Sequence[str] | None = None
) -> Centres:
    """At most n images, drawn once; the same whatever is trained.

    Args:
        images: to draw from.
        n: how many.
        size: pixels a side of what is cut out.
        seed: of the draw.
        classes: numbers classes by their names, as another split does; None: as this one does.

    Raises:
        InputError: images of a class that is none of `classes`.
    """
    labels = images.labels
    if classes is not None:
        number = {name: index for index, name in enumerate(classes)}
        if unknown := [name for name in images.classes if name not in number]:
            raise InputError(
                f"held-out images of classes that no training image has: {', '.join(unknown[:5])}"
            )
        labels = np.array([number[name] for name in images.classes])[labels]
    order = torch.randperm(len(images), generator=generator_for(seed, "monitor")).numpy()
    return Centres(images, order[:n], size=size, labels=labels)


@dataclass(frozen=True)
class Monitor:
    """Scores the representation f(x), the trunk's output, in eval mode, probes fitted anew.

    Attributes:
        fit: training images that probes are fitted on.
        held_out: images that they are scored on, with the same numbers of classes.
        alarm: is told when the representation has collapsed.
        workers: processes that read images.

    Returns (when called):
        `knn_top1` of weighted nearest neighbours (k = 200 or all, T = 0.1) and `linear_top1` of a
        logistic regression, both in [0, 1] and left out where there is a single class, and
        `rank_me` of the held-out representation, at least 1 (Garrido et al. 2023, arXiv
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
