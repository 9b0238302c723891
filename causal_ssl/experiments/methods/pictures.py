"""The images of the report: some, and the views of each."""

from pathlib import Path

from causal_ssl.datasets.images import Images
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.pretraining.plan import Views
from causal_ssl.randomness import generator_for

SHOWN = 12
"""Images in a row."""


def keep(path: Path, images: Images, views: Views) -> None:
    """Write some training images, class by class in turn, and views as encoders learn from them.

    Args:
        path: of the file: "image", "view 1", "view 2", ..., each (SHOWN, h, w, 3) uint8.
        images: of the training split.
        views: what makes the views.
    """
    chosen = image_pictures.some_of_each(images.labels, SHOWN)
    batch = images.batch(chosen, generator_for(0, "pictures"))
    made, _ = views(batch, generator_for(0, "views"))
    named = {f"view {k}": view for k, view in enumerate(made, start=1)}
    image_pictures.keep(path, {"image": batch["image"], **named})
