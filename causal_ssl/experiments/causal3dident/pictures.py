"""Images kept in a run's directory for its report: classes, and views of every setting."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl import files
from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent, Pixels
from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.experiments.causal3dident import settings
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.pairs import pairs_of
from causal_ssl.randomness import generator_for

FILE = "pictures.npz"
SHOWN = 10
"""Images in a row."""


def keep(path: Path, images: Causal3DIdent, config: Causal3DIdentStudy) -> None:
    """Write the images of a run's report.

    Args:
        path: of the file.
        images: of the training split, so that the views are those that encoders learn from.
        config: says which settings there are.
    """
    kept: dict[str, Pixels] = {}
    for k, name in enumerate(CLASSES):
        if len(rows := np.flatnonzero(images.object_class == k)):
            kept[f"class {name}"] = images.pixels(rows[:SHOWN])
    chosen = _some_of_each(images)
    kept["image"] = images.pixels(chosen)
    for name in config.settings:
        pairs, views = pairs_of(settings.get(name), images)
        made, _ = views(
            pairs.batch(chosen, generator_for("pictures", name)), generator_for("views", name)
        )
        for which, view in enumerate(made):
            kept[f"{name} {which}"] = _pixels(view)
    buffer = BytesIO()
    np.savez_compressed(buffer, **kept)  # type: ignore[arg-type]
    files.write(path, buffer.getvalue())


def load(path: Path) -> dict[str, Pixels]:
    """What `keep` wrote: "class NAME", "image", and "SETTING 0" and "SETTING 1"."""
    with np.load(path) as kept:
        return dict(kept)


def _some_of_each(images: Causal3DIdent) -> NDArray[np.int64]:
    """`SHOWN` images, class by class in turn."""
    ranks = np.concatenate([np.arange(n) for n in np.bincount(images.object_class)])
    return np.lexsort((images.object_class, ranks))[:SHOWN]


def _pixels(view: torch.Tensor) -> Pixels:
    if view.dtype != torch.uint8:
        view = (view.clamp(0, 1) * 255).round().to(torch.uint8)
    return view.permute(0, 2, 3, 1).contiguous().numpy()
