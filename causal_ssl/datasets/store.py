"""Images as one array in a file, read from the mapped file; filled part by part, whatever stops it.

FOLDER/images.npy       (..., size, size, 3) uint8
FOLDER/manifest.json    its shape, the digest of what it was made from (origin), and of every part

Until it is whole the array is called .images.npy, and .journal beside it says which parts are done.
A store whose origin is not that of the images as they are now is stale and refused.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from causal_ssl import files
from causal_ssl.datasets import space
from causal_ssl.datasets.journal import Journal
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError

ARRAY, MANIFEST = "images.npy", "manifest.json"
PARTIAL, JOURNAL = ".images.npy", ".journal"
"""Not named as `files` names what a kill left half-written: this is continued, not swept away."""
BEGUN = "begun"
"""The journal's first entry."""

Images = NDArray[np.uint8]
Draw = Callable[[range, Images], Any]
"""Fills the images of these numbers, (len, size, size, 3), and returns what is to be known of them,
as JSON can hold it."""
Finish = Callable[[list[Any]], dict[str, Any]]
"""Is given what `Draw` returned, part by part; writes what belongs beside the array, and returns
what the manifest is to say of it."""


def fill(
    folder: Path,
    shape: Sequence[int],
    origin: str,
    draw: Draw,
    *,
    per: int,
    title: str,
    finish: Finish = lambda _: {},
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> None:
    """Make a store, or what is missing of it.

    Args:
        folder: of the store.
        shape: of the array; its last three axes are an image.
        origin: digest of what it is made from; a part made from anything else is not continued.
        draw: makes a part; called from threads.
        per: images a part.
        title: of the work, for `watcher`.
        finish: called once all parts are there.
        workers: threads; None is one a core.
        watcher: is told of progress.

    Raises:
        InputError: there is no room.
        Stopped: the disk is full.
    """
    with space.running_out(folder):
        begun = {"shape": list(shape), "origin": origin, "per": per}
        array = _begun(folder, begun)
        journal = Journal(folder / JOURNAL)
        images = array.reshape(-1, *shape[-3:])
        parts = {
            str(start): range(start, min(start + per, len(images)))
            for start in range(0, len(images), per)
        }
        _fill(images, parts, journal, draw, array.flush, title, workers, watcher or Watcher())
        made = [journal.records[part] for part in parts]
        manifest = {
            **begun,
            "sha256": [each["sha256"] for each in made],
            **finish([each["known"] for each in made]),
        }
        files.write(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        (folder / PARTIAL).replace(folder / ARRAY)
        journal.remove()


def mapped(folder: Path, *, remedy: str, origin: str | None = None) -> tuple[Images, Any]:
    """Map a store into memory; no image is read yet.

    Args:
        folder: of the store.
        remedy: how it is made, for the error: "pack it first: ...".
        origin: digest of what it has to be made from; None: whatever it was.

    Returns:
        The array, read-only, and the manifest.

    Raises:
        InputError: it is missing, not finished, damaged, truncated, or stale.
    """
    path = folder / ARRAY
    anew = f"delete {folder} and pack anew"
    try:
        array = np.load(path, mmap_mode="r")
        manifest = json.loads((folder / MANIFEST).read_text())
        shape, made_from = manifest["shape"], manifest["origin"]
    except FileNotFoundError as error:
        if path.exists():
            raise InputError(f"{path} has no {MANIFEST} beside it: {anew}") from error
        raise InputError(f"{path} is missing: {remedy}") from error
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}): {anew}") from error
    size = array.offset + array.nbytes
    if list(array.shape) != shape or array.dtype != np.uint8 or path.stat().st_size != size:
        raise InputError(
            f"{path} is damaged: {array.dtype} of shape {array.shape} in "
            f"{path.stat().st_size:,} bytes, but {MANIFEST} has {tuple(shape)}: {anew}"
        )
    if origin is not None and made_from != origin:
        raise InputError(
            f"{path} is stale: it was packed from other images than there are now: {anew}"
        )
    return array, manifest


def damaged(folder: Path, *, watcher: Watcher | None = None) -> list[range]:
    """Read all of a store; numbers of the images of each part that is not as it was written.

    Raises:
        InputError: see `mapped`.
    """
    array, manifest = mapped(folder, remedy="pack it first")
    images, per = array.reshape(-1, *array.shape[-3:]), manifest["per"]
    watcher = watcher or Watcher()
    watcher.begin(f"reading {folder}", len(images), 0)
    found = []
    for number, wanted in enumerate(manifest["sha256"]):
        part = range(number * per, min((number + 1) * per, len(images)))
        if _digest(images[part.start : part.stop]) != wanted:
            found.append(part)
        watcher.advance(len(part))
    return found


def bytes_stored(images: int, size: int) -> int:
    """What so many images take."""
    return images * size * size * 3


def _begun(folder: Path, begun: dict[str, Any]) -> np.memmap:
    """The array that is being filled, with its room on the disk taken.

    Writing to a mapped file that finds no room kills the process, hence the allocation.
    """
    path, journal = folder / PARTIAL, Journal(folder / JOURNAL)
    if path.exists() and journal.records.get(BEGUN) == begun:
        return np.load(path, mmap_mode="r+")
    journal.remove()
    path.unlink(missing_ok=True)
    shape = tuple(begun["shape"])
    space.require(prod(shape), folder)
    folder.mkdir(parents=True, exist_ok=True)
    array = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        os.fsync(file.fileno())
    journal.add(BEGUN, begun)
    return array


def _fill(
    images: Images,
    parts: dict[str, range],
    journal: Journal,
    draw: Draw,
    flush: Callable[[], None],
    title: str,
    workers: int | None,
    watcher: Watcher,
) -> None:
    left = [part for part in parts if part not in journal.records]
    to_do = sum(len(parts[part]) for part in left)
    watcher.begin(title, len(images), len(images) - to_do)
    with ThreadPoolExecutor(workers or cpu_count()) as pool:  # decoding releases the GIL
        futures = {pool.submit(_drawn, draw, parts[part], images): part for part in left}
        try:
            for future in as_completed(futures):
                record = future.result()
                flush()
                journal.add(futures[future], record)
                watcher.advance(len(parts[futures[future]]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _drawn(draw: Draw, numbers: range, images: Images) -> dict[str, Any]:
    into = images[numbers.start : numbers.stop]
    known = draw(numbers, into)
    return {"sha256": _digest(into), "known": known}


def _digest(images: Images) -> str:
    return sha256(np.ascontiguousarray(images).data).hexdigest()
