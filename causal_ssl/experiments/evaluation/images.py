"""Images as they are evaluated: the centre of each, to the bit as torchvision cuts it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.images import Images, open_images
from causal_ssl.datasets.images.centres import Centres
from causal_ssl.datasets.images.decoding import decode
from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.idx import has_idx
from causal_ssl.datasets.images.opening import has_rendered, split_folder
from causal_ssl.datasets.images.packing import PackedImages, is_packed
from causal_ssl.datasets.images.parts import renumbered
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.datasets.suites import SuiteImages, Transform
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import OnSplits

SIZE, WHOLE = 224, 256
"""Pixels a side that ImageNet's encoders are shown, and of the shorter side that it is cut from."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Images, and what an encoder is shown of them.

    Attributes:
        name: "train" or "val", or of a test set's partition; begins the names of files.
        images: the data set.
        seen: has `len` and `batch`: what is shown, in the same order.
        how: what is done to the pixels, in words; enters the digest.
    """

    name: str
    images: Images | SuiteImages
    seen: Any
    how: str

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def side(self) -> int:
        """Pixels a side that are shown."""
        return int(self.seen.batch(np.zeros(1, np.int64))["image"].shape[-1])

    @property
    def interpolation(self) -> str | None:
        """How files were resized for what is shown; None where nothing is resized here."""
        return self.seen.interpolation if isinstance(self.seen, FileCentres) else None

    def called(self, index: int) -> str:
        """The file of an image, or its number where it has none of its own."""
        return self.images.called(index)

    def digest(self) -> str:
        """Of the images and what is done to them: another one, other features."""
        return sha256(f"{self.how}\n{self.images.digest()}".encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Split(Shown):
    """The images of a split with their classes.

    Attributes:
        labels: (n,) int64, numbers of the training images' classes.
        classes: those classes' names.
    """

    images: Images
    labels: NDArray[np.int64]
    classes: list[str]


class FileCentres:
    """What a transform shows of image files."""

    def __init__(self, images: ImageFolder, transform: Transform) -> None:
        self._images, self._transform = images, transform
        self.interpolation: str = transform.interpolation

    def __len__(self) -> int:
        return len(self._images)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Centres (b, 3, size, size) uint8, as "image"."""
        paths = map(self._images.path, np.asarray(indices).tolist())
        return {"image": torch.stack([self._transform(decode(path)) for path in paths])}


def open_split(
    asked: OnSplits,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    watcher: Watcher | None = None,
) -> Split:
    """One split of the images that were asked for.

    Args:
        asked: the options.
        split: "train" or "val".
        classes: of the training images, which number the others'; None: those are opened here.
        watcher: is told of class folders listed.

    Raises:
        InputError: see `open_images`; a class that no training image has.
    """
    if not asked.data_root:
        raise InputError("no images: give --data-root, the folder that they are in")
    images = _opened(asked, split, _subset(asked, classes), watcher)
    labels = images.labels if classes is None else renumbered(images, classes)
    names = list(images.classes if classes is None else classes)
    seen, how = _seen(asked, images)
    return Split(split, images, seen, how, labels, names)


def _subset(asked: OnSplits, classes: Sequence[str] | None) -> str | None:
    """The list for a split: one of images is of the training images, one of classes of all."""
    if not asked.subset or (classes and not lists_classes(asked.subset, tuple(classes))):
        return None
    return asked.subset


def _opened(asked: OnSplits, split: str, subset: str | None, watcher: Watcher | None) -> Images:
    root = Path(asked.data_root)
    size = asked.size
    if root.is_dir() and not has_idx(root) and not has_rendered(root):
        size = None if is_packed(split_folder(root, split)) else _whole(asked)
    return open_images(
        root,
        split,
        size=size,
        subset=subset,
        on_corrupt=asked.on_corrupt,
        watcher=watcher,
    )


def _seen(asked: OnSplits, images: Images) -> tuple[Any, str]:
    """What is shown of the images, and how it is made, in words."""
    if isinstance(images, PackedImages):
        return _of_squeezed(asked, images)
    if not isinstance(images, ImageFolder):
        return images, f"whole images of {images.size} px"
    transform = Transform(
        crop=asked.size or SIZE,
        resize=_whole(asked),
        interpolation=asked.interpolation,  # type: ignore[arg-type]
    )
    return FileCentres(images, transform), str(transform)


def _whole(asked: OnSplits) -> int:
    """Pixels of the shorter side that the centre is cut from."""
    return asked.resize or round((asked.size or SIZE) * WHOLE / SIZE)


def _of_squeezed(asked: OnSplits, images: PackedImages) -> tuple[Any, str]:
    """The centre in true proportions, of pixels that were squeezed to a square when packed."""
    whole = images.size
    if asked.resize not in (None, whole):
        raise InputError(f"resize = {asked.resize}, but images are packed at {whole}: leave it out")
    size = asked.size or round(whole * SIZE / WHOLE)
    if size > whole:
        raise InputError(f"size = {size}, but images are packed at {whole}: give {whole} at most")
    seen = Centres(images, size=size, labels=images.labels)
    return seen, f"packed at {whole} px, centre of {size} px in true proportions"
