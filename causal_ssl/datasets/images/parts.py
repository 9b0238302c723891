"""Some of the images of a data set, and the classes of images as another split numbers them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.images.opening import Images
from causal_ssl.errors import InputError


class Part:
    """Some of the images of a data set.

    Args:
        images: has `len` and `batch`.
        rows: (m,), which, in this order.
    """

    def __init__(self, images: Any, rows: NDArray[np.int64]) -> None:
        self._images, self._rows = images, rows

    def __len__(self) -> int:
        return len(self._rows)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """As the data set's own."""
        found: dict[str, Tensor] = self._images.batch(self._rows[indices], generator)
        return found


def renumbered(images: Images, classes: Sequence[str]) -> NDArray[np.int64]:
    """The labels of images (n,) by the names of their classes, as another split numbers them.

    Raises:
        InputError: a class that is none of `classes`.
    """
    number = {name: index for index, name in enumerate(classes)}
    if unknown := [name for name in images.classes if name not in number]:
        raise InputError(
            f"validation images of classes that no training image has: {some(unknown)}: give the "
            "folders of one data set"
        )
    return np.array([number[name] for name in images.classes])[images.labels]
