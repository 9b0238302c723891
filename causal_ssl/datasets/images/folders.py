"""A folder of class folders as a data set, read a batch at a time."""

import os
from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from causal_ssl.datasets.images.decoding import REMEDY, decode, resized
from causal_ssl.datasets.images.listing import Listing, list_images, some
from causal_ssl.datasets.images.subsets import subset as part
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError, in_range

Pixels = NDArray[np.uint8]
"""(b, size, size, 3)."""


class ImageFolder(Dataset[dict[str, Tensor]]):
    """The images of FOLDER/CLASS/..., at one working size.

    Every image is squeezed to size x size, so that a batch is one array; its "aspect" says what it
    was squeezed from. A random crop of area and aspect ratio as on the original is then a crop of
    the square whose own ratio is divided by "aspect": nothing of the image is cut off before the
    random part, which runs on the device.

    What a batch holds is a function of the files alone. An image that cannot be decoded is an
    error; which ones to leave out is known before the first batch (`skip`), so that a run that is
    resumed sees the same samples.

    Args:
        folder: of class folders.
        size: pixels a side.
        subset: a file that lists a part of the images; see `subsets`.
        skip: names of images to leave out, "CLASS/file"; those that are not there do not matter.
        watcher: is told of class folders listed.

    Attributes:
        labels: (n,) int64.
        classes: names, sorted.
        skipped: names of those left out.

    Raises:
        InputError: no class folders, one without images, a list that does not fit.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        size: int,
        subset: Path | str | None = None,
        skip: Set[str] = frozenset(),
        watcher: Watcher | None = None,
    ) -> None:
        self.folder, self.size = Path(folder), int(in_range("size", size, at_least=1))
        listing = list_images(self.folder, watcher)
        if subset is not None:
            listing, _ = part(listing, subset)
        left_out = np.isin(listing.names, np.array([*map(os.fsencode, skip)], np.bytes_))
        self.skipped = [os.fsdecode(name) for name in listing.names[left_out]]
        self.listing: Listing = listing.rows(np.flatnonzero(~left_out))
        if not len(self.listing):
            raise InputError(f"{folder}: no image is left of {some(self.skipped)}")

    def __len__(self) -> int:
        return len(self.listing)

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.listing.labels

    @property
    def classes(self) -> list[str]:
        return list(self.listing.classes)

    @property
    def paths(self) -> list[Path]:
        """The files, made anew at every call."""
        return [self.path(index) for index in range(len(self))]

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / self.listing.name(index)

    def called(self, index: int) -> str:
        """The file of an image, for messages."""
        return str(self.path(index))

    def digest(self) -> str:
        """Of the files' names, sizes and times: that of other images differs.

        Raises:
            InputError: a file is not there.
        """
        return self.listing.digest(self.folder, remedy=REMEDY)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """One sample: image (3, size, size), label, aspect, index."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once.

        Args:
            indices: (b,).
            generator: not used, as nothing is drawn; trainers pass one.

        Returns:
            image (b, 3, size, size) uint8, channels last in memory; label (b,) int64; aspect (b,)
            float32, width / height of the original; index (b,) int64, that of each sample.

        Raises:
            InputError: a file is damaged or missing.
        """
        pixels, aspects = self.pixels(indices)
        return batch_of(pixels, self.labels[indices], aspects, indices)

    def pixels(
        self, indices: NDArray[np.int64], size: int | None = None
    ) -> tuple[Pixels, NDArray[np.float32]]:
        """Images (b, size, size, 3) and aspects (b,), at another size if one is given."""
        size = size or self.size
        pixels = np.empty((len(indices), size, size, 3), np.uint8)
        aspects = np.empty(len(indices), np.float32)
        for place, index in enumerate(np.asarray(indices).tolist()):
            image = decode(self.path(index))
            aspects[place] = image.shape[2] / image.shape[1]
            pixels[place] = resized(image, size).permute(1, 2, 0).numpy()
        return pixels, aspects


def batch_of(
    pixels: Pixels, labels: NDArray[Any], aspects: NDArray[Any] | None, indices: NDArray[Any]
) -> dict[str, Tensor]:
    """The tensors of a batch; without aspects, all images are square.

    Args:
        pixels: (b, size, size, 3) uint8.
        labels, aspects, indices: (b,).
    """
    if aspects is None:
        aspects = np.ones(len(pixels))
    return {
        "image": torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2),
        "label": torch.from_numpy(np.array(labels, np.int64)),
        "aspect": torch.from_numpy(np.array(aspects, np.float32)),
        "index": torch.from_numpy(np.array(indices, np.int64)),
    }
