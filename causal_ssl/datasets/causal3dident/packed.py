"""A split as one array of small images, for training that is not to wait for decoding.

    pack("set", "train", 64)              # once; from the PNGs, rendered or published
    images = open_packed("set", "train", 64)
    images[[5, 9]]                        # (2, 64, 64, 3) uint8, read from the mapped file

ROOT/trainset/packed_64/images.npy, and the same beside counterfactuals, whose images are (n, K,
size, size, 3). Images lie class by class and row by row, as the latents do in `Causal3DIdent`. It
is a `store`: a copy of latents, or of rendered images, that have been replaced since is refused.
"""

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from causal_ssl.claim import claimed
from causal_ssl.datasets import store
from causal_ssl.datasets.causal3dident.images import read, shrink
from causal_ssl.datasets.causal3dident.layout import albums
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError, in_range

IMAGES = 256
"""Images a task: about a second of decoding at 224 px."""


def pack(
    root: Path | str,
    split: str,
    size: int,
    *,
    change: str = "",
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Path:
    """Pack a split, or finish it: a killed call is continued where it stopped.

    Args:
        root: the set's folder.
        split: "train" or "test".
        size: pixels a side, at most those of the images; each pixel is the mean of an area.
        change: pack the counterfactuals of this change instead.
        workers: threads; None is one a core.
        watcher: is told of progress.

    Returns:
        The folder of the array.

    Raises:
        InputError: see `layout.albums`; an image is damaged, or smaller than `size`; no room; a
            stale or damaged copy is there.
        Stopped: the disk is full.
    """
    in_range("packed", size, at_least=1)
    found = albums(root, split, change=change)
    folder = _folder(root, split, size, change)
    if (folder / store.ARRAY).exists():
        open_packed(root, split, size, change=change)
        return folder
    if not any(map(len, found)):
        raise InputError(f"{root} has no images in its {split}set to pack")
    paths = [path for album in found for path in album.paths()]
    rows, views = sum(album.rows for album in found), found[0].views

    def draw(numbers: range, into: store.Images) -> None:
        for place, number in enumerate(numbers):
            into[place] = shrink(read(paths[number]), size)

    with claimed(Path(root)):
        store.fill(
            folder,
            (rows, *((views,) if change else ()), size, size, 3),
            _origin(root, split, change),
            draw,
            per=IMAGES,
            title=f"packing {split} {change}".rstrip(),
            workers=workers,
            watcher=watcher,
        )
    return folder


def open_packed(root: Path | str, split: str, size: int, *, change: str = "") -> NDArray[np.uint8]:
    """Map a packed split into memory; nothing is read yet.

    Args:
        root, split, size, change: as they were packed.

    Returns:
        (n, size, size, 3), or (n, K, size, size, 3) for counterfactuals.

    Raises:
        InputError: it was not packed, or not to its end, is damaged, or is of other images.
    """
    array, _ = store.mapped(
        _folder(root, split, size, change),
        remedy=f"pack the set first, `causal-ssl render ... --packed {size}`",
        origin=_origin(root, split, change),
    )
    return array


bytes_packed = store.bytes_stored


def _folder(root: Path | str, split: str, size: int, change: str) -> Path:
    return Path(root) / _within(split, change) / f"packed_{size}"


def _within(split: str, change: str) -> Path:
    return Path(f"{split}set", "counterfactuals", change) if change else Path(f"{split}set")


def _origin(root: Path | str, split: str, change: str) -> str:
    """Digest of what the images show: their latents, and the hashes of pixels that were rendered.

    Of published images, whose set has no manifest, the latents alone.
    """
    from causal_ssl.datasets.causal3dident.manifest import load  # which imports the model's law

    within = _within(split, change)
    total = sha256()
    for path in sorted((Path(root) / within).glob("raw_latents_*.npy")):
        total.update(f"{path.name} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    shards = (load(Path(root)) or {"shards": {}})["shards"]
    for album, hashes in sorted(shards.items()):
        if Path(album).parent == within:
            total.update(f"{album} {hashes}\n".encode())
    return total.hexdigest()
