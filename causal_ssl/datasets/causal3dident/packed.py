"""A split as one array of small images, for training that is not to wait for decoding.

    pack("set", "train", 64)              # once; from the PNGs, rendered or published
    images = open_packed("set", "train", 64)
    images[[5, 9]]                        # (2, 64, 64, 3) uint8, read from the mapped file

ROOT/trainset/packed_64/images.npy, and the same beside counterfactuals, whose images are (n, K,
size, size, 3). Images lie class by class and row by row, as the latents do in `Causal3DIdent`.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from joblib import cpu_count
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from causal_ssl.claim import claimed
from causal_ssl.datasets.causal3dident import space
from causal_ssl.datasets.causal3dident.images import read, shrink
from causal_ssl.datasets.causal3dident.journal import Journal
from causal_ssl.datasets.causal3dident.layout import Album, albums
from causal_ssl.datasets.causal3dident.watcher import Watcher
from causal_ssl.errors import InputError, in_range

PARTIAL, JOURNAL = ".images.npy", ".journal"
"""Not named as `files` names what a kill left half-written: this is continued, not swept away."""
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
        InputError: see `layout.albums`; an image is damaged, or smaller than `size`; no room.
        Stopped: the disk is full.
    """
    in_range("packed", size, at_least=1)
    found = albums(root, split, change=change)
    folder = _folder(root, split, size, change)
    if (folder / "images.npy").exists():
        open_packed(root, split, size, change=change)
        return folder
    if not any(map(len, found)):
        raise InputError(f"{root} has no images in its {split}set to pack")
    with claimed(Path(root)), space.running_out(folder):
        array = _begun(folder, found, size)
        _fill(array, found, folder, workers, watcher or Watcher())
        (folder / PARTIAL).replace(folder / "images.npy")
        (folder / JOURNAL).unlink()
    return folder


def open_packed(root: Path | str, split: str, size: int, *, change: str = "") -> NDArray[np.uint8]:
    """Map a packed split into memory; nothing is read yet.

    Args:
        root, split, size, change: as they were packed.

    Returns:
        (n, size, size, 3), or (n, K, size, size, 3) for counterfactuals.

    Raises:
        InputError: it was not packed, or not to its end, or is damaged.
    """
    path = _folder(root, split, size, change) / "images.npy"
    try:
        return np.load(path, mmap_mode="r")
    except FileNotFoundError as error:
        raise InputError(
            f"{path} is missing: pack the set first, `causal-ssl render ... --packed {size}`"
        ) from error
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is damaged ({error}): delete {path.parent} and pack anew"
        ) from error


def bytes_packed(images: int, size: int) -> int:
    """What so many images take."""
    return images * size * size * 3


def _folder(root: Path | str, split: str, size: int, change: str) -> Path:
    within = Path("counterfactuals", change) if change else Path()
    return Path(root) / f"{split}set" / within / f"packed_{size}"


def _begun(folder: Path, found: Sequence[Album], size: int) -> np.memmap:
    """The array that is being filled, with its room on the disk taken.

    Writing to a mapped file that finds no room kills the process, hence the allocation.
    """
    rows, views = sum(album.rows for album in found), found[0].views
    shape = (rows, *((views,) if found[0].change else ()), size, size, 3)
    path, journal = folder / PARTIAL, folder / JOURNAL
    if path.exists() and journal.exists():
        array = np.load(path, mmap_mode="r+")
        if array.shape == shape:
            return array
    journal.unlink(missing_ok=True)
    space.require(bytes_packed(rows * views, size), folder)
    folder.mkdir(parents=True, exist_ok=True)
    array = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _fill(
    array: np.memmap, found: Sequence[Album], folder: Path, workers: int | None, watcher: Watcher
) -> None:
    size, journal = array.shape[-2], Journal(folder / JOURNAL)
    images = array.reshape(-1, size, size, 3)
    paths = [path for album in found for path in album.paths()]
    chunks = {str(start): paths[start : start + IMAGES] for start in range(0, len(paths), IMAGES)}
    left = [start for start in chunks if start not in journal.records]
    to_do = sum(len(chunks[start]) for start in left)
    watcher.begin(
        f"packing {found[0].split} {found[0].change}".rstrip(), len(paths), len(paths) - to_do
    )
    with ThreadPoolExecutor(workers or cpu_count()) as pool:  # decoding releases the GIL
        futures = {pool.submit(_shrink, chunks[s], images[int(s) :], size): s for s in left}
        try:
            for future in as_completed(futures):
                future.result()
                array.flush()
                start = futures[future]
                journal.add(start, len(chunks[start]))
                watcher.advance(len(chunks[start]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _shrink(paths: Sequence[Path], into: NDArray[np.uint8], size: int) -> None:
    for index, path in enumerate(paths):
        into[index] = shrink(read(path), size)
