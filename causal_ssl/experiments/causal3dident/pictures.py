"""The images of the report: some of each class, and views of every setting."""

from pathlib import Path

import numpy as np
from torch import Tensor

from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent, Pixels
from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.experiments.causal3dident import settings
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.pairs import pairs_of
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.randomness import generator_for

SHOWN = 10
"""Images in a row."""


def keep(path: Path, images: Causal3DIdent, config: Causal3DIdentStudy) -> None:
    """Write the images of a run's report: "class NAME", "image", "SETTING 0" and "SETTING 1".

    Args:
        path: of the file.
        images: of the training split, so that the views are those that encoders learn from.
        config: says which settings there are.
    """
    kept: dict[str, Pixels | Tensor] = {}
    for k, name in enumerate(CLASSES):
        if len(rows := np.flatnonzero(images.object_class == k)):
            kept[f"class {name}"] = images.pixels(rows[:SHOWN])
    chosen = image_pictures.some_of_each(images.object_class, SHOWN)
    kept["image"] = images.pixels(chosen)
    for name in config.settings:
        pairs, views = pairs_of(settings.get(name), images)
        made, _ = views(
            pairs.batch(chosen, generator_for("pictures", name)), generator_for("views", name)
        )
        kept |= {f"{name} {k}": view for k, view in enumerate(made)}
    image_pictures.keep(path, kept)
