"""What an encoder makes of images: computed once, kept in a file, read from the mapping.

FOLDER/val-DIGEST.npy     (n, width) float32
FOLDER/val-DIGEST.json    what it was made with

The digest is of the encoder's weights, the images and what was done to them: other ones have other
files, so that none is stale. Until it is whole it is called .val-DIGEST.npy, and the journal beside
it says how far it has come. A killed extraction is continued at its last whole batch, and ends, on
a CPU, bit for bit as one that was not.
"""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from causal_ssl import files
from causal_ssl.claim import claimed
from causal_ssl.datasets import space
from causal_ssl.datasets.images.parts import Part
from causal_ssl.datasets.journal import Journal
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.encoders import Subject
from causal_ssl.experiments.evaluation.images import Shown
from causal_ssl.models.image_encoders import Features, ImageEncoder
from causal_ssl.training.images.batches import ordered_loader
from causal_ssl.training.images.features import images_of

Floats = NDArray[np.float32]
BEGUN = "begun"
"""The journal's first entry."""


def kept_features(
    subject: Subject,
    shown: Shown,
    folder: Path,
    *,
    at_once: int,
    workers: int,
    watcher: Watcher | None = None,
    title: str = "",
) -> Floats:
    """The representation f(x), the trunk's output, of every image.

    Args:
        subject: the encoder.
        shown: the images.
        folder: that keeps them; made if missing.
        at_once: images at a time.
        workers: processes that read images.
        watcher: is told of progress.
        title: what progress is called; empty: features of the images' name.

    Returns:
        (n, width), mapped from the file, read-only, in the images' order.

    Raises:
        InputError: NaN or infinity, with the image's file; the folder is in use, has no room, or
            what it keeps is damaged.
    """
    made_with = {"encoder": subject.digest, "images": shown.digest()}
    shape = (len(shown), subject.encoder.width)
    path = folder / f"{shown.name}-{_key(made_with)}.npy"
    if not path.exists():
        with claimed(folder):
            partial = _Partial(path, shape)
            rest = Part(shown.seen, np.arange(partial.done, len(shown)))
            (watcher := watcher or Watcher()).begin(
                title or f"features of {shown.name}", shape[0], partial.done
            )
            for layers in layers_of(subject.encoder, rest, at_once=at_once, workers=workers):
                values = layers.intermediate.float().cpu().numpy()
                _require_finite(values, partial.done, shown)
                partial.append(values)
                watcher.advance(len(values))
            about = {"source": subject.source, "how": shown.how, "shape": shape}
            partial.finish({**made_with, **about})
    return _mapped(path, shape)


def _key(made_with: dict[str, str]) -> str:
    return sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()[:16]


class _Partial:
    """A file of features that is being filled, batch by batch.

    Attributes:
        done: rows that are on the disk.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._path, self._partial = path, path.with_name(f".{path.name}")
        self._journal = Journal(path.with_name(f".{path.stem}.journal"))
        if not self._partial.exists() or self._journal.records.get(BEGUN) != list(shape):
            self._begin(shape)
        self._rows = np.load(self._partial, mmap_mode="r+")
        self.done = max((int(p) for p in self._journal.records if p != BEGUN), default=0)

    def _begin(self, shape: tuple[int, int]) -> None:
        """Take its room on the disk: a write to a mapped file that finds none kills the process."""
        self._journal.remove()
        self._journal.records.clear()
        self._partial.unlink(missing_ok=True)
        space.require(4 * prod(shape), self._path.parent)
        open_memmap(self._partial, mode="w+", dtype=np.float32, shape=shape)
        with self._partial.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, self._partial.stat().st_size)
        self._journal.add(BEGUN, list(shape))

    def append(self, values: Floats) -> None:
        """The next rows."""
        stop = self.done + len(values)
        self._rows[self.done : stop] = values
        self._rows.flush()
        self._journal.add(str(stop), None)
        self.done = stop

    def finish(self, about: dict[str, Any]) -> None:
        """All rows are there."""
        files.write(self._path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
        self._partial.replace(self._path)
        self._journal.remove()


def layers_of(
    encoder: ImageEncoder, seen: Any, *, at_once: int, workers: int
) -> Iterator[Features]:
    """What an encoder makes of images, where it is and in the mode that it is in, batch by batch.

    Args:
        encoder: of images.
        seen: has `len` and `batch`.
        at_once: images at a time.
        workers: processes that read images.
    """
    device = encoder.mean.device
    pinned = device.type == "cuda"
    for batch in ordered_loader(seen, batch_size=at_once, workers=workers, pinned=pinned):
        with torch.inference_mode():
            layers: Features = encoder(images_of(batch).to(device, non_blocking=True))
        yield layers


def _require_finite(values: Floats, first: int, shown: Shown) -> None:
    wrong = ~np.isfinite(values).all(axis=1)
    if wrong.any():
        name = shown.called(first + int(wrong.argmax()))
        raise InputError(
            f"the encoder makes NaN or infinity of {name}: look at the image, and whether the "
            "encoder's training diverged"
        )


def _mapped(path: Path, shape: tuple[int, int]) -> Floats:
    try:
        rows = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is damaged ({error}): delete it and repeat the command"
        ) from error
    if rows.shape != shape or rows.dtype != np.float32:
        raise InputError(
            f"{path} is damaged: {rows.dtype} of shape {rows.shape}, expected float32 of {shape}: "
            "delete it and repeat the command"
        )
    return rows


def remove(folder: Path, start: str, *, but: str | None = None) -> None:
    """Delete features that are no longer needed, finished or not.

    Args:
        folder: that keeps them.
        start: how the names of those begin, such as "crops-".
        but: how the names of those among them begin that stay.
    """
    for path in folder.glob("*"):
        name = path.name.removeprefix(".")
        if name.startswith(start) and not (but and name.startswith(but)):
            path.unlink()
