"""A set cut into shards: what one task draws, and what is kept or drawn again as a whole."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from causal_ssl import files
from causal_ssl.datasets.causal3dident.drawing import Drawn, Studio
from causal_ssl.datasets.causal3dident.latents import RawLatents
from causal_ssl.datasets.causal3dident.layout import Album

IMAGES = 32
"""Images a shard: seconds of work with the raster backend, a minute with Cycles. A constant, so
that neither files nor manifest depend on how many processes there are."""

WRITERS = 16
"""Threads that write: each file is flushed to the disk, and disks flush many at once. Measured on a
virtual disk: 0.5 ms a file instead of 4."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Consecutive images of an album.

    Attributes:
        album: where they lie.
        number: of the shard in its album, from 0.
        raw: (n, 10), their latents.
    """

    album: Album
    number: int
    raw: RawLatents

    @property
    def name(self) -> str:
        """In journals."""
        return f"{self.album.name}#{self.number}"

    def __len__(self) -> int:
        return len(self.raw)

    def task(self, studio: Studio) -> tuple[object, ...]:
        """Arguments of `drawing.draw`."""
        return studio, np.full(len(self), self.album.index), self.raw

    def store(self, drawn: Drawn) -> None:
        """Write its images; each file is at every moment absent or whole.

        Raises:
            OSError: a file cannot be written.
        """
        start = self.number * IMAGES
        paths = self.album.paths(start, start + len(self))
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(files.write, paths, drawn.pngs))


def cut(albums: Iterable[tuple[Album, RawLatents]]) -> list[Shard]:
    """All shards of some albums, in order.

    Args:
        albums: each with the latents of its images, (len(album), 10).

    Examples:
        >>> from pathlib import Path
        >>> album = Album(Path("set"), "test", 0, rows=70)
        >>> [(shard.name, len(shard)) for shard in cut([(album, np.zeros((70, 10)))])]
        [('testset/images_0#0', 32), ('testset/images_0#1', 32), ('testset/images_0#2', 6)]
    """
    return [
        Shard(album, number, raw[start : start + IMAGES])
        for album, raw in albums
        for number, start in enumerate(range(0, len(raw), IMAGES))
    ]


def incomplete(albums: Sequence[Album]) -> set[str]:
    """Names of the shards of which a file is missing on the disk."""
    return {
        f"{album.name}#{number // IMAGES}"
        for album in albums
        if (missing := set(album.missing()))
        for number, path in enumerate(album.paths())
        if path in missing
    }
