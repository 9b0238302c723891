"""The centre of each image of a data set, as validation images are shown to an encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.images.opening import Images
from causal_ssl.datasets.images.parts import Part, renumbered
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations._resampling import resized_crops


class Centres:
    """The centres of images, as large in proportion to all of them.

    As if the shorter side were resized to the images' size here and a square cut out, whatever the
    proportions of the original.

    Args:
        images: has `len` and `batch`.
        size: pixels a side of what is cut out.
        labels: (n,), the images' classes.
    """

    def __init__(self, images: Any, *, size: int, labels: NDArray[np.int64]) -> None:
        self._images, self._size, self.labels = images, size, labels

    def __len__(self) -> int:
        return len(self._images)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Centres (b, 3, size, size) uint8, as "image"."""
        batch = self._images.batch(indices, generator)
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
    labels = images.labels if classes is None else renumbered(images, classes)
    order = torch.randperm(len(images), generator=generator_for(seed, "monitor")).numpy()
    rows = order[:n]
    return Centres(Part(images, rows), size=size, labels=labels[rows])
