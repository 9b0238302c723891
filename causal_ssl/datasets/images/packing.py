"""Class folders packed into one mapped file of images at one size, for slow disks and decoders.

    pack(ImageFolder("imagenet/train", size=256), "packed/train", 256)       # once; may be killed
    images = open_packed("packed/train")                                     # batches as before

Beside the array of a `store` lies index.npz: labels, aspects and names. A packed copy holds all
that a run needs, so that its source need not be there: it is compared with the source when it is
packed again. Pixels are those that ImageFolder gives at that size, bit by bit; ImageNet at 256 px
takes 252 GB and 9.8 GB, uncompressed.
"""

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from causal_ssl import files
from causal_ssl.claim import claimed
from causal_ssl.datasets import store
from causal_ssl.datasets.images import decoding
from causal_ssl.datasets.images.folders import ImageFolder, batch_of
from causal_ssl.datasets.images.listing import Listing
from causal_ssl.datasets.images.subsets import subset as part
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError, in_range

INDEX = "index.npz"
IMAGES = 256
"""Images a part: half a second of decoding, and 50 MB at 256 px."""
REMEDY = "pack it first, `causal-ssl data pack`"


def pack(
    images: ImageFolder,
    out: Path | str,
    size: int,
    *,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Path:
    """Pack a data set, or finish it: a killed call is continued where it stopped.

    Args:
        images: the data set; its own size does not matter.
        out: the folder to make.
        size: pixels a side.
        workers: threads; None is one a core.
        watcher: is told of progress.

    Returns:
        `out`.

    Raises:
        InputError: no class folders, an image that cannot be decoded, no room, or the copy that is
            there is damaged or of other images.
        Stopped: the disk is full.
    """
    if not isinstance(images, ImageFolder):
        raise InputError(
            f"only class folders are packed, not {type(images).__name__}: IDX files are in memory, "
            "a Causal3DIdent set is packed by `causal-ssl render ... --packed SIZE`"
        )
    out, size = Path(out), int(in_range("size", size, at_least=1))
    origin = _origin(images, size)
    if (out / store.ARRAY).exists():
        store.mapped(out, remedy=REMEDY, origin=origin)
        return out

    def draw(numbers: range, into: store.Images) -> list[float]:
        into[:], aspects = images.pixels(np.array(numbers), size)
        return aspects.tolist()

    def finish(aspects: list[list[float]]) -> dict[str, Any]:
        content = _index(images.listing, np.concatenate(aspects))
        files.write(out / INDEX, content)
        index = sha256(content).hexdigest()
        return {"classes": images.classes, "index_sha256": index, "skipped": images.skipped}

    with claimed(out):
        store.fill(
            out,
            (len(images), size, size, 3),
            origin,
            draw,
            per=IMAGES,
            title=f"packing {images.folder}",
            finish=finish,
            workers=workers,
            watcher=watcher,
        )
    return out


class PackedImages(Dataset[dict[str, Tensor]]):
    """What `pack` made, with the interface of `ImageFolder`.

    Args:
        folder: the packed copy.
        subset: a file that lists a part of the images; see `subsets`.

    Attributes:
        size: pixels a side.
        labels: (n,) int64.
        classes: names, sorted.
        skipped: names of images that were left out when it was packed.

    Raises:
        InputError: it is missing, not finished, damaged, truncated; a list that does not fit.
    """

    def __init__(self, folder: Path | str, *, subset: Path | str | None = None) -> None:
        self.folder = Path(folder)
        array, manifest = store.mapped(self.folder, remedy=REMEDY)
        listing, self._aspects = _read_index(self.folder, manifest, len(array))
        self._rows = np.arange(len(array))
        if subset is not None:
            listing, self._rows = part(listing, subset)
        self.listing, self.size = listing, int(array.shape[1])
        self.skipped: list[str] = manifest["skipped"]
        self._origin: str = manifest["origin"]
        self._array: store.Images | None = array

    def __len__(self) -> int:
        return len(self.listing)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}  # which would be sent whole to other processes

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.listing.labels

    @property
    def classes(self) -> list[str]:
        return list(self.listing.classes)

    def called(self, index: int) -> str:
        """The file that an image is from, in the folder that was packed."""
        return self.listing.name(index)

    def digest(self) -> str:
        """Of what was packed, and of the names of the images here."""
        return sha256(f"{self._origin}\n".encode() + self.listing.names.tobytes()).hexdigest()

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """One sample: image (3, size, size), label, aspect, index."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once; see `ImageFolder.batch`."""
        if self._array is None:
            self._array, _ = store.mapped(self.folder, remedy=REMEDY)
        rows = self._rows[indices]
        return batch_of(self._array[rows], self.labels[indices], self._aspects[rows], indices)


open_packed = PackedImages


def is_packed(folder: Path) -> bool:
    """Is it a packed copy, finished or not?"""
    return (folder / store.ARRAY).exists() or (folder / store.PARTIAL).exists()


def _origin(images: ImageFolder, size: int) -> str:
    """Digest of what is packed: names, classes and sizes of the files, and the size of images."""
    total = sha256(f"{size}\n{images.classes}\n".encode())
    for name, found in images.listing.stats(images.folder, remedy=decoding.REMEDY):
        total.update(name + b"\0%d\n" % found.st_size)
    return total.hexdigest()


def _index(listing: Listing, aspects: NDArray[np.float64]) -> bytes:
    buffer = BytesIO()
    np.savez(
        buffer,
        names=listing.names,
        labels=listing.labels,
        aspects=aspects.astype(np.float32),
    )
    return buffer.getvalue()


def _read_index(
    folder: Path, manifest: dict[str, Any], n: int
) -> tuple[Listing, NDArray[np.float32]]:
    path = folder / INDEX
    try:
        content = path.read_bytes()
        if sha256(content).hexdigest() != manifest["index_sha256"]:
            raise ValueError("its digest is not that in the manifest")
        with np.load(BytesIO(content)) as found:
            listing = Listing(tuple(manifest["classes"]), found["names"], found["labels"])
            aspects = found["aspects"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            f"{path} is damaged ({error}): delete {folder} and pack anew, `causal-ssl data pack`"
        ) from error
    return listing, aspects
