"""Causal3DIdent with the names that image data sets share: its class is the label."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
from causal_ssl.datasets.causal3dident.images import shrink
from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.images.folders import batch_of
from causal_ssl.datasets.store import ARRAY
from causal_ssl.errors import InputError, in_range

LOOKED_AT = 64
"""Images that enter the digest."""


class RenderedImages(Dataset[dict[str, Tensor]]):
    """One split of a Causal3DIdent set, published or rendered.

    Args:
        root: the set's folder.
        split: "train" or "test".
        size: pixels a side; a packed copy of that size is read if there is one, else the PNGs, made
            smaller. None: as large as they are.

    Attributes:
        labels: (n,) int64, the object's class.
        classes: names of the seven.
        skipped: none.

    Raises:
        InputError: files that are missing, damaged, or smaller than `size`.
    """

    def __init__(self, root: Path | str, split: str = "train", *, size: int | None = None) -> None:
        packed = (
            size is not None and (Path(root) / f"{split}set" / f"packed_{size}" / ARRAY).exists()
        )
        self.images = Causal3DIdent(root, split, size=size if packed else None)
        self.labels, self.classes = self.images.object_class, list(CLASSES)
        self.skipped: list[str] = []
        width = self.images.pixels(np.array([0])).shape[1]
        self.size = width if size is None else int(in_range("size", size, at_least=1))
        if self.size > width:
            raise InputError(
                f"size {size} of images of {width} x {width} pixels in {root}: give at most {width}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def called(self, index: int) -> str:
        """The number of an image in its split."""
        return f"image {index} of {self.images.root}/{self.images.split}set"

    def digest(self) -> str:
        """Of the latents, and of some of the images: rendered otherwise, all of them differ."""
        total = sha256(self.images.latents.tobytes())
        some = np.unique(np.linspace(0, len(self) - 1, LOOKED_AT).astype(np.int64))
        total.update(self.batch(some)["image"].numpy().tobytes())
        return total.hexdigest()

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """One sample: image (3, size, size), label, aspect, index, latents (10,)."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once: as other image data sets, and the raw latents (b, 10) float64."""
        pixels = self.images.pixels(indices)
        if len(pixels) and pixels.shape[1] != self.size:
            pixels = np.stack([shrink(image, self.size) for image in pixels])
        latents = torch.from_numpy(self.images.latents[indices])
        return {**batch_of(pixels, self.labels[indices], None, indices), "latents": latents}
