"""Images kept in a run's directory for its report: some, and two views of each."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl import files
from causal_ssl.datasets.images import Images
from causal_ssl.experiments.pretraining.plan import Views
from causal_ssl.randomness import generator_for

FILE = "pictures.npz"
SHOWN = 12
"""Images in a row."""


def keep(path: Path, images: Images, views: Views) -> None:
    """Write some training images, class by class in turn, and views as encoders learn from them.

    Args:
        path: of the file: "image", "view 1", "view 2", ..., each (SHOWN, h, w, 3) uint8.
        images: of the training split.
        views: what makes the views.
    """
    batch = images.batch(_some_of_each(images.labels), generator_for(0, "pictures"))
    made, _ = views(batch, generator_for(0, "views"))
    named = {f"view {k}": view for k, view in enumerate(made, start=1)}
    buffer = BytesIO()
    kept = {name: _pixels(view) for name, view in {"image": batch["image"], **named}.items()}
    np.savez_compressed(buffer, **kept)  # type: ignore[arg-type]
    files.write(path, buffer.getvalue())


def load(path: Path) -> dict[str, NDArray[np.uint8]]:
    """What `keep` wrote."""
    with np.load(path) as kept:
        return dict(kept)


def _some_of_each(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """`SHOWN` images, class by class in turn."""
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = labels == label
        rank[own] = np.arange(own.sum())
    return np.lexsort((labels, rank))[:SHOWN]


def _pixels(images: torch.Tensor) -> NDArray[np.uint8]:
    if images.dtype != torch.uint8:
        images = (images.clamp(0, 1) * 255).round().to(torch.uint8)
    return images.permute(0, 2, 3, 1).contiguous().numpy()
