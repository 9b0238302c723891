"""Images kept in a run's directory for its report."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl import files

Pixels = NDArray[np.uint8]
FILE = "pictures.npz"


def keep(path: Path, pictures: Mapping[str, Pixels | Tensor]) -> None:
    """Write rows of images.

    Args:
        path: of the file.
        pictures: name -> (n, h, w, 3) uint8, or as encoders take them, (n, 3, h, w), uint8 or
            floats in [0, 1].
    """
    kept = {
        name: _pixels(images) if isinstance(images, Tensor) else images
        for name, images in pictures.items()
    }
    buffer = BytesIO()
    np.savez_compressed(buffer, **kept)  # type: ignore[arg-type]
    files.write(path, buffer.getvalue())


def load(path: Path) -> dict[str, Pixels]:
    """What `keep` wrote: name -> (n, h, w, 3) uint8."""
    with np.load(path) as kept:
        return dict(kept)


def some_of_each(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Indices of so many samples, class by class in turn.

    Examples:
        >>> some_of_each(np.array([0, 0, 1, 1, 5]), 4).tolist()
        [0, 2, 4, 1]
    """
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = labels == label
        rank[own] = np.arange(own.sum())
    return np.lexsort((labels, rank))[:count]


def _pixels(images: Tensor) -> Pixels:
    if images.dtype != torch.uint8:
        images = (images.clamp(0, 1) * 255).round().to(torch.uint8)
    return images.permute(0, 2, 3, 1).contiguous().numpy()
