"""Any image data set by its folder: which layout it has is seen from what lies in it.

ROOT/train/CLASS/*.jpg, ROOT/val/CLASS/*.jpg    class folders, as torchvision's ImageFolder
ROOT/CLASS/*.jpg                                the same without splits: all of it is "train"
ROOT/train/images.npy, ...                      packed copies of them; or ROOT itself is one
ROOT/train-images-idx3-ubyte[.gz], ...          IDX files, as Fashion-MNIST's
ROOT/trainset/images_0/*.png, ...               Causal3DIdent
"""

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.idx import IdxImages, has_idx
from causal_ssl.datasets.images.listing import is_image, some
from causal_ssl.datasets.images.packing import PackedImages, is_packed
from causal_ssl.datasets.images.skipping import names_to_skip
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError, unknown_name

NAMED = {"train": "train", "test": "test", "val": "test"}
"""How IDX files and Causal3DIdent call their splits."""
SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
"""What folders of splits may be called, in any case; others are classes."""
EXPECTED = (
    "expected train/CLASS/ and val/CLASS/ folders of images (as torchvision's ImageFolder), a "
    "folder of class folders, IDX files (train-images-idx3-ubyte[.gz], ...), a Causal3DIdent set "
    "(trainset/, testset/), or what `causal-ssl data pack` wrote"
)


class Images(Protocol):
    """What every image data set here is."""

    @property
    def labels(self) -> NDArray[np.int64]: ...

    @property
    def classes(self) -> list[str]: ...

    @property
    def size(self) -> int: ...

    @property
    def skipped(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def called(self, index: int) -> str: ...

    def digest(self) -> str: ...

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]: ...


def open_images(
    root: Path | str,
    split: str = "train",
    *,
    size: int | None = None,
    subset: Path | str | None = None,
    on_corrupt: str | Path = "error",
    watcher: Watcher | None = None,
) -> Images:
    """Open one split of an image data set, whatever its layout.

    Args:
        root: its folder.
        split: "train", or "val" for the validation images; a folder's own name where there are
            class folders. IDX files and Causal3DIdent call these "test"; both names do.
        size: pixels a side; None where images have one: not in class folders.
        subset: a file listing images or classes, see `subsets`; for class folders and their packed
            copies.
        on_corrupt: "error"; "skip" leaves out the images listed in ROOT/unreadable.txt, which
            `check` writes; or the path of such a list. Any other image that cannot be decoded is
            still an error when it is read.
        watcher: is told of class folders listed.

    Raises:
        InputError: no layout that is known, no such split (the nearest name is suggested), or see
            the data sets.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: name that of a data set ({EXPECTED})")
    for has, opened in ((has_idx, _idx), (has_rendered, _rendered)):
        if has(root):
            if subset is not None:
                raise InputError(
                    f"a subset by a list ({subset}) needs class folders, {root} has none"
                )
            return opened(root, split, size)
    folder = split_folder(root, split)
    if is_packed(folder):
        return _packed(folder, size, subset)
    if size is None:
        raise InputError(f"images in {folder} have many sizes: give the size to resize them to")
    skip = names_to_skip(root, folder, on_corrupt)
    return ImageFolder(folder, size=size, subset=subset, skip=skip, watcher=watcher)


def split_folder(root: Path, split: str) -> Path:
    """The folder of a split: ROOT/SPLIT, or ROOT itself where it has no splits.

    Raises:
        InputError: there is none; suggests the nearest name.
    """
    folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    folders = [name for name in folders if not name.startswith(".")]
    if split in folders:
        return root / split
    if near := _nearest(split, folders):
        raise InputError(
            f"{root} has no folder {split!r}, but {near!r}: rename it, or give split {near!r}"
        )
    if splits := [name for name in folders if name.lower() in SPLITS]:
        raise unknown_name(f"split of {root}", split, splits)
    if not is_packed(root) and not any(_holds_images(root / name) for name in folders):
        raise InputError(f"{root} is no data set of images: {_seen(root, folders)}; {EXPECTED}")
    if split != "train":
        if root.name.lower() in SPLITS and (root.absolute().parent / split).is_dir():
            raise InputError(
                f"{root} is one split of a data set: for {split!r} name the folder that its splits "
                f"are in, {root.absolute().parent}"
            )
        raise InputError(
            f"{root} has no splits, all of it is 'train': for {split!r} move what is in it to "
            f"{root.name}/train and make {root.name}/{split} beside that"
        )
    return root


def _nearest(split: str, folders: list[str]) -> str | None:
    """A folder that may be the split under another name: "Train", "validation"."""
    known = [name for name in folders if name.lower() in SPLITS]
    return next((name for name in known if name[:3].lower() == split[:3].lower()), None)


def _holds_images(folder: Path) -> bool:
    return any(is_image(entry.name) for entry in os.scandir(folder))


def _seen(root: Path, folders: list[str]) -> str:
    files = sorted(entry.name for entry in os.scandir(root) if entry.is_file())
    parts = [
        f"{len(names):,} {kind} ({some(names)})"
        for kind, names in (("folders", folders), ("files", files))
        if names
    ]
    return f"it has {' and '.join(parts)}" if parts else "it is empty"


def has_rendered(root: Path) -> bool:
    """Is it a Causal3DIdent set?"""
    return any((root / f"{split}set").is_dir() for split in ("train", "test"))


def _packed(folder: Path, size: int | None, subset: Path | str | None) -> Images:
    images = PackedImages(folder, subset=subset)
    if size not in (None, images.size):
        raise InputError(
            f"{folder} is packed at {images.size} x {images.size} pixels, asked for {size}: ask "
            f"for {images.size}, or pack anew, `causal-ssl data pack ... --size {size}`"
        )
    return images


def _idx(root: Path, split: str, size: int | None) -> Images:
    return IdxImages(root, NAMED.get(split, split), size=size)


def _rendered(root: Path, split: str, size: int | None) -> Images:
    from causal_ssl.datasets.images.rendered import RenderedImages

    return RenderedImages(root, NAMED.get(split, split), size=size)
