"""Images in IDX files, the format of MNIST and its successors such as Fashion-MNIST.

FOLDER/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-... for the test images; each as it is
or with .gz. All is read at once: 60,000 images of 28 x 28 take 47 MB.
"""

import gzip
import struct
import zlib
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from causal_ssl.datasets.images.folders import batch_of
from causal_ssl.errors import InputError, in_range, one_of

PREFIXES = {"train": "train", "test": "t10k"}
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
GZ = ("", ".gz")
UINT8 = 8
"""The code of the type of bytes, the third of a file."""


class IdxImages(Dataset[dict[str, Tensor]]):
    """The images of one split; grey ones, their value repeated in three channels.

    Args:
        folder: of the files.
        split: "train" or "test".
        size: pixels a side that images are resized to; None for those that they have.

    Attributes:
        labels: (n,) int64.
        classes: their numbers as names: the files have no others.
        skipped: none.

    Raises:
        InputError: a file is missing, truncated, of another format, or does not fit the other.
    """

    def __init__(
        self, folder: Path | str, split: str = "train", *, size: int | None = None
    ) -> None:
        prefix = PREFIXES[one_of("split", split, PREFIXES)]
        self._path = Path(folder) / f"{prefix}-{IMAGES}"
        self._grey = read_idx(self._path, dimensions=3)
        self.labels = read_idx(Path(folder) / f"{prefix}-{LABELS}", dimensions=1).astype(np.int64)
        n, height, width = self._grey.shape
        if n != len(self.labels) or not n:
            raise InputError(
                f"{folder} has {n:,} {split} images and {len(self.labels):,} labels: replace the "
                "files by those of one data set"
            )
        if height != width:
            raise InputError(
                f"{folder} has images of {width} x {height} pixels, not square ones: pad them"
            )
        self.size = height if size is None else int(in_range("size", size, at_least=1))
        self.skipped: list[str] = []
        self.classes = [str(label) for label in range(int(self.labels.max()) + 1)]

    def __len__(self) -> int:
        return len(self.labels)

    def called(self, index: int) -> str:
        """The number of an image in its file."""
        return f"image {index} of {self._path}"

    def digest(self) -> str:
        """Of the pixels."""
        total = sha256()
        for start in range(0, len(self), 1000):
            rows = np.arange(start, min(start + 1000, len(self)))
            total.update(self.batch(rows)["image"].numpy().tobytes())
        return total.hexdigest()

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """One sample: image (3, size, size), label, aspect, index."""
        one = self.batch(np.array([range(len(self))[index]]))
        return {name: values[0] for name, values in one.items()}

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Samples at once: image (b, 3, size, size) uint8, label (b,), aspect (b,), index (b,)."""
        grey = self._grey[indices]
        if self.size != grey.shape[1]:
            shape = (self.size, self.size)
            batch = torch.from_numpy(grey)[:, None]
            grey = interpolate(batch, shape, mode="bilinear", antialias=True)[:, 0].numpy()
        return batch_of(np.repeat(grey[..., None], 3, axis=3), self.labels[indices], None, indices)


def has_idx(folder: Path) -> bool:
    """Are there IDX images in the folder?"""
    return any((folder / f"{p}-{IMAGES}{gz}").exists() for p in PREFIXES.values() for gz in GZ)


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """The array of an IDX file of bytes.

    Args:
        path: without .gz, with which it is looked for, too.
        dimensions: that it must have.

    Raises:
        InputError: it is missing, damaged, or holds something else.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "labels").write_bytes(bytes((0, 0, 8, 1, 0, 0, 0, 2, 5, 7)))
        ...     read_idx(Path(folder) / "labels", dimensions=1)
        array([5, 7], dtype=uint8)
    """
    path, content = _content(path)
    header = 4 + 4 * dimensions
    if content[:4] != bytes((0, 0, UINT8, dimensions)) or len(content) < header:
        raise InputError(
            f"{path} begins with {content[:4].hex(' ') or 'nothing'}, an IDX file of bytes in "
            f"{dimensions} dimensions with 00 00 08 {dimensions:02x}: download it again"
        )
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    if len(content) != header + prod(shape):
        raise InputError(
            f"{path} has {len(content) - header:,} bytes of data, its header says {prod(shape):,} "
            f"({' x '.join(map(str, shape))}): download it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _content(path: Path) -> tuple[Path, bytes]:
    for suffix in GZ:
        file = path.with_name(path.name + suffix)
        if file.exists():
            try:
                content = file.read_bytes()
                return file, gzip.decompress(content) if suffix else content
            except (OSError, EOFError, zlib.error) as error:
                raise InputError(f"{file} cannot be read ({error}): download it again") from error
    raise InputError(f"{path} is missing, with .gz and without: download it")
