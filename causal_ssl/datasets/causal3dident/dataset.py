"""Causal3DIdent as a data set: the published files, or rendered ones.

    images = Causal3DIdent("sets/small", "train", size=64)
    images[0]["image"]                         # (3, 64, 64) uint8, beside its class and latents
    images.batch(np.arange(128))["image"]      # (128, 3, 64, 64), read at once

Pairs of images under a latent transformation are in `latent_views`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from causal_ssl.datasets.causal3dident.images import read
from causal_ssl.datasets.causal3dident.latents import RawLatents
from causal_ssl.datasets.causal3dident.layout import REMEDY, Album, albums
from causal_ssl.datasets.causal3dident.packed import open_packed
from causal_ssl.errors import InputError

Pixels = NDArray[np.uint8]
"""(b, h, w, 3)."""


class Causal3DIdent(Dataset[dict[str, Any]]):
    """Images of one split with what they show, class by class and row by row.

    Args:
        root: the set's folder, in the published layout.
        split: "train" or "test".
        size: pixels a side of the packed copy to read (`causal-ssl render ... --packed SIZE`, or
            `packed.pack`); None: the PNGs themselves, as large as they are.

    Attributes:
        object_class: (n,) int64.
        latents: (n, 10) float64, raw, in [-1, 1].

    Raises:
        InputError: files that are missing, damaged, or do not fit each other; no such packed copy.
    """

    def __init__(self, root: Path | str, split: str = "train", *, size: int | None = None) -> None:
        self.root, self.split, self.size = Path(root), split, size
        found = albums(root, split)
        self.latents: RawLatents = np.concatenate([album.latents() for album in found])
        self.object_class: NDArray[np.int64] = np.repeat(
            [album.index for album in found], [album.rows for album in found]
        )
        if not len(self.latents):
            raise InputError(f"{self.root} has no images in its {split}set: {REMEDY}")
        self._pixels = AlbumPixels(found, size)

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One sample: image (3, h, w) uint8, latents (10,) float64, object_class."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once: image (b, 3, h, w), latents (b, 10), object_class (b,).

        Args:
            indices: (b,).
            generator: not used, as nothing is drawn; trainers pass one.
        """
        return {
            "image": channels_first(self.pixels(indices)),
            "latents": torch.from_numpy(self.latents[indices]),
            "object_class": torch.from_numpy(self.object_class[indices]),
        }

    def pixels(self, indices: NDArray[np.int64]) -> Pixels:
        """The images as they are stored, (b, h, w, 3) uint8."""
        return self._pixels.read(indices)


class AlbumPixels:
    """The pixels of a split's albums by running number, from PNGs or from a packed copy.

    Args:
        found: the albums of one split, factual or of one change; image j of row i has the number
            i * views + j, rows counted over the albums.
        size: of the packed copy; None for the PNGs.

    Raises:
        InputError: no such packed copy, or one of other images.
    """

    def __init__(self, found: Sequence[Album], size: int | None) -> None:
        self._packed, self._paths = None, None
        if size is None:
            self._paths = [path for album in found for path in album.paths()]
            return
        first, total = found[0], sum(map(len, found))
        packed = open_packed(first.root, first.split, size, change=first.change)
        self._packed = packed.reshape(-1, size, size, 3)
        if len(self._packed) != total:
            raise InputError(
                f"the packed copy of {first.root}/{first.split}set holds {len(self._packed):,} "
                f"images, its folders {total:,}: delete packed_{size} there and pack anew"
            )

    def read(self, numbers: NDArray[np.int64]) -> Pixels:
        """The images of these numbers, (b, h, w, 3).

        Raises:
            InputError: a file is damaged, or of another size than the first.
        """
        if self._packed is not None:
            return self._packed[numbers]
        assert self._paths is not None
        paths = [self._paths[number] for number in numbers.tolist()]
        found = [read(path) for path in paths]
        for path, image in zip(paths, found, strict=True):
            if image.shape != found[0].shape:
                raise InputError(
                    f"{path} has {image.shape[1]} x {image.shape[0]} pixels, {paths[0]} "
                    f"{found[0].shape[1]} x {found[0].shape[0]}: {REMEDY}"
                )
        return np.stack(found)


def channels_first(pixels: Pixels) -> Tensor:
    """(b, h, w, 3) as a tensor (b, 3, h, w); in memory the channels stay last."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
