"""A test set that is open: its partitions, and the images of each with their right answers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from causal_ssl.datasets.images.decoding import decode, defect
from causal_ssl.datasets.images.listing import Listing, listing_of, scan, some
from causal_ssl.datasets.suites.classes import Answers, mask_of
from causal_ssl.datasets.suites.protocols import Protocol
from causal_ssl.datasets.suites.transform import Transform
from causal_ssl.errors import InputError, one_of

REMEDY = "take it from the suite's archive again; no image is left out of a test set"
"""For an image that cannot be read."""


class SuiteImages(Dataset[dict[str, Tensor]]):
    """The images of one partition, read a batch at a time.

    Args:
        folder: of class folders.
        listing: its images.
        answers: folder -> indices that are right.
        transform: from a file to pixels.

    Attributes:
        answers: (n, a) int64, indices in 0 .. 999 that are right, -1 where there are fewer than a.
    """

    def __init__(
        self, folder: Path, listing: Listing, answers: Answers, transform: Transform
    ) -> None:
        self.folder, self.listing, self.transform = folder, listing, transform
        most = max(len(answers[name]) for name in listing.classes)
        table = [[*answers[name], *[-1] * most][:most] for name in listing.classes]
        self.answers = np.array(table, np.int64)[listing.labels]

    def __len__(self) -> int:
        return len(self.listing)

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.transform.crop

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
        """One sample: image (3, size, size), answers (a,), index."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once.

        Args:
            indices: (b,).
            generator: not used, as nothing is drawn; loaders pass one.

        Returns:
            image (b, 3, size, size) uint8; answers (b, a) int64; index (b,) int64.

        Raises:
            InputError: a file is damaged, missing or too small.
        """
        images = torch.empty((len(indices), 3, self.size, self.size), dtype=torch.uint8)
        for place, index in enumerate(np.asarray(indices).tolist()):
            images[place] = self._pixels(self.path(index))
        return {
            "image": images,
            "answers": torch.from_numpy(self.answers[indices]),
            "index": torch.from_numpy(np.array(indices, np.int64)),
        }

    def _pixels(self, path: Path) -> Tensor:
        try:
            image = decode(path)
        except InputError as error:
            raise InputError(f"{path} cannot be decoded ({defect(path)}): {REMEDY}") from error
        try:
            return self.transform(image)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


@dataclass(frozen=True)
class Suite:
    """A test set in its published layout.

    Attributes:
        name: "imagenet-c", ...
        protocol: how it is scored.
        transform: from a file to pixels, the protocol's unless another was given.
        folders: partition -> folder of class folders, of the partitions that are there.
        missing: partitions that are not.
        answers: folder of a class -> indices in 0 .. 999 that are right.
        missing_classes: class folders that are not there; accepted only on request.
        left_out: class folders that ImageNet has no class for, whose images are not scored.
    """

    name: str
    protocol: Protocol
    transform: Transform
    folders: Mapping[str, Path]
    missing: tuple[str, ...]
    answers: Answers
    missing_classes: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def partitions(self) -> tuple[str, ...]:
        """Those that are there: "CORRUPTION/SEVERITY" of ImageNet-C."""
        return tuple(self.folders)

    @property
    def classes(self) -> NDArray[np.bool_]:
        """(1000,), which are an answer here: of these are the clean images to compare with."""
        there = {n: i for n, i in self.answers.items() if n not in self.missing_classes}
        return mask_of(there)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """(1000,), which compete for the argmax; None: all."""
        return mask_of(self.answers) if self.protocol.masked else None

    def images(self, partition: str) -> SuiteImages:
        """The images of a partition.

        Args:
            partition: one of `partitions`.

        Returns:
            Class by class, in the order of `answers`.

        Raises:
            InputError: an unknown partition, a class folder without images.
        """
        folder = self.folders[one_of(f"partition of {self.name}", partition, self.folders)]
        scanned = scan(folder)
        found = {name: scanned[name] for name in self.answers if scanned.get(name)}
        if empty := [n for n in self.answers if n not in found and n not in self.missing_classes]:
            raise InputError(
                f"{folder} has no images of {some(empty)}: unpack the suite's archive again"
            )
        listing = listing_of({name: [*map(os.fsencode, names)] for name, names in found.items()})
        return SuiteImages(folder, listing, self.answers, self.transform)

    def denominator(self, images: SuiteImages) -> str:
        """What accuracy on these images is a share of, in words; says where they are not all.

        Args:
            images: of one of the partitions.
        """
        words = f"{len(images):,} images: {self.protocol.denominator}"
        if len(images) != self.protocol.images:
            words += f"; {self.protocol.images:,} are published"
        if gone := len(self.missing_classes):
            words += "; 1 class is missing" if gone == 1 else f"; {gone:,} classes are missing"
        return words
