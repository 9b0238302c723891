"""The images of a study of encoders: those to train on and those to score."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from causal_ssl.datasets.images import Images, open_images
from causal_ssl.datasets.images.centres import Centres
from causal_ssl.errors import InputError
from causal_ssl.experiments.image_study.config import FASHION_MNIST_ROOT

FASHION_MNIST_REMEDY = (
    "Fashion-MNIST is in Debian's package dataset-fashion-mnist, which puts it at "
    f"{FASHION_MNIST_ROOT}; of other images name the folder (data_root)"
)
"""What to do where there is no folder of it."""


@dataclass(frozen=True)
class Splits:
    """The images that encoders are trained on and those that they are scored on."""

    train: Images
    test: Images

    def whole(self, size: int) -> tuple[Centres, Centres]:
        """All of either, their centres of so many pixels a side cut out."""
        train, test = (
            Centres(images, size=size, labels=images.labels) for images in (self.train, self.test)
        )
        return train, test


def splits(root: str, *, size: int, remedy: str = FASHION_MNIST_REMEDY) -> Splits:
    """Both splits of a folder of images, read at so many pixels a side.

    Args:
        root: the folder.
        size: pixels a side.
        remedy: what to do where there is no such folder.

    Raises:
        InputError: there is no such folder, no data set in it, or a single class.
    """
    if not Path(root).is_dir():
        raise InputError(f"no folder {root}: {remedy}")
    train, test = (open_images(root, split, size=size) for split in ("train", "val"))
    if len(np.unique(train.labels)) < 2:
        raise InputError(
            f"all {len(train.labels):,} training images in {root} are of one class: accuracies "
            "need two"
        )
    return Splits(train, test)
